/* Sums of counters over workers that live and that lived. */
#ifndef COH_PRIMARY_COUNTERS_H
#define COH_PRIMARY_COUNTERS_H

#include <stddef.h>
#include <stdint.h>

#include <cohort/cohort.h>

#include "server/channel/message.h"

#define COH_TOTALS_MAX 4096 /* counters of all generations together */

/* What a counter is; of no process. */
struct coh_counter {
    struct cohort_str name;
    struct cohort_str help;
    struct cohort_str labels;
    enum cohort_counter_kind kind;
};

/* A counter, known by name and labels over generations. */
struct coh_total {
    char *name;
    char *help;
    char *labels; /* "" for none */
    enum cohort_counter_kind kind;
    uint64_t retired; /* of workers that are gone; only grows */
    uint64_t other;   /* what another primary has counted (twin.h); only
                         grows as long as it is there */
};

struct coh_totals {
    struct coh_total *array;
    size_t count;
};

void coh_totals_fini(struct coh_totals *totals);

/*
 * The total that a declaration of a template is about; made when it is new.
 *
 * size     Of the frame with its texts, in bytes; checked here.
 * Returns  Its index; -EPROTO; -ENOSPC; -ENOMEM.
 */
int coh_totals_declare(
    struct coh_totals *totals, const struct coh_frame_counter *frame,
    size_t size);

/* The total of a counter; made when it is new. Its index; -ENOSPC; -ENOMEM. */
int coh_totals_find(
    struct coh_totals *totals, const struct coh_counter *counter);

/* The other primary has counted so much, in all; or is gone: what it counted is
   ours. */
void coh_totals_hear(
    struct coh_totals *totals, const struct coh_counter *counter,
    uint64_t value);
void coh_totals_inherit(struct coh_totals *totals);

/* A worker is gone: values[i] are added to the total of indexes[i], but
   gauges. */
void coh_totals_fold(
    struct coh_totals *totals, const uint16_t *indexes, const uint64_t *values,
    size_t count);

#endif
