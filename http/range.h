/* Byte ranges of a request. */
#ifndef COH_HTTP_RANGE_H
#define COH_HTTP_RANGE_H

#include <stddef.h>
#include <stdint.h>

#include <cohort/str.h>

struct coh_range {
    uint64_t first;
    uint64_t size;
};

/* How many ranges a value of the Range field can have at most. */
size_t coh_range_count_max(struct cohort_str value);

/*
 * Read a Range field for a body of length bytes.
 *
 * ranges    Room for coh_range_count_max() of them, or for max + 1 if those are
 *           fewer; ends are cut to the length, those that lie behind it are
 *           left out.
 * Returns   206; 200 if the whole is to be sent: another unit, more than max
 *           ranges, or together longer than the body; 416: malformed, or
 *           nothing is left of them.
 */
int coh_range_read(
    struct cohort_str value, uint64_t length, uint64_t max,
    struct coh_range *ranges, size_t *count);

#endif
