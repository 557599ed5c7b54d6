/* Finds the location of a path among those of one block. */
#ifndef COH_HTTP_LOCATION_INDEX_H
#define COH_HTTP_LOCATION_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include <cohort/conf.h>

#include "http/location.h"
#include "http/name_table.h"

/* A prefix location in bytewise order. */
struct coh_prefix {
    /* The first eight bytes as a number that has their order, and which of them
       the prefix has: most comparisons end here. */
    uint64_t key;
    uint64_t mask;
    const struct coh_location *location;
    /* One more than the place of the longest other prefix that is a prefix of
       this one; 0: there is none. */
    size_t shorter;
};

struct coh_location_index {
    const struct coh_name_table *exact; /* NULL: none */
    const struct coh_name_table *named; /* NULL: none */
    const struct coh_prefix *prefixes;
    size_t prefix_count;
};

/* Index locations of which no two are the same. Lives as long as the
   generation. */
const struct coh_location_index *coh_location_index_new(
    struct cohort_conf *conf, struct coh_location *const *locations,
    size_t count);

/* The exact location of a path, or NULL. */
const struct coh_location *coh_location_find_exact(
    const struct coh_location_index *index, struct cohort_str path);

/* The longest prefix location of a path, or NULL. */
const struct coh_location *coh_location_find_prefix(
    const struct coh_location_index *index, struct cohort_str path);

#endif
