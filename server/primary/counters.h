/* Sums of counters over workers that live and that lived. */
#ifndef COH_PRIMARY_COUNTERS_H
#define COH_PRIMARY_COUNTERS_H

#include <stddef.h>
#include <stdint.h>

#include <cohort/cohort.h>

#include "server/channel/message.h"

#define COH_TOTALS_MAX 4096 /* counters of all generations together */

/* A counter, known by name and labels over generations. */
struct coh_total {
    char *name;
    char *help;
    char *labels; /* "" for none */
    enum cohort_counter_kind kind;
    uint64_t retired; /* of workers that are gone; only grows */
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

/* A worker is gone: values[i] are added to the total of indexes[i], but
   gauges. */
void coh_totals_fold(
    struct coh_totals *totals, const uint16_t *indexes, const uint64_t *values,
    size_t count);

#endif
