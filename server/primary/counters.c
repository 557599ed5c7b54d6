/* Totals: what a worker counted stays in the sum when the worker goes. */
#include "server/primary/counters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void
coh_totals_fini(struct coh_totals *totals)
{
    for (size_t i = 0; i < totals->count; i++) {
        free(totals->array[i].name);
        free(totals->array[i].help);
        free(totals->array[i].labels);
    }
    free(totals->array);
    *totals = (struct coh_totals){0};
}

static bool
is_text(const char *own, const char *text, size_t size)
{
    return strlen(own) == size && memcmp(own, text, size) == 0;
}

static int
append(
    struct coh_totals *totals, const struct coh_frame_counter *frame,
    const char *name, const char *help, const char *labels)
{
    struct coh_total *grown;
    struct coh_total total = {0};

    if (totals->count == COH_TOTALS_MAX) {
        return -ENOSPC;
    }
    grown = realloc(totals->array, (totals->count + 1) * sizeof(*grown));
    if (!grown) {
        return -ENOMEM;
    }
    totals->array = grown;
    total.name = strndup(name, frame->name_size);
    total.help = strndup(help, frame->help_size);
    total.labels = strndup(labels, frame->labels_size);
    total.kind = frame->kind <= COHORT_HISTOGRAM
        ? (enum cohort_counter_kind)frame->kind
        : COHORT_COUNTER;
    totals->array[totals->count] = total;
    totals->count++;
    if (!total.name || !total.help || !total.labels) {
        return -ENOMEM;
    }
    return (int)totals->count - 1;
}

int
coh_totals_declare(
    struct coh_totals *totals, const struct coh_frame_counter *frame,
    size_t size)
{
    const char *name = (const char *)(frame + 1);
    const char *help = name + frame->name_size;
    const char *labels = help + frame->help_size;

    if (size !=
        sizeof(*frame) + frame->name_size + frame->help_size +
            frame->labels_size) {
        return -EPROTO;
    }
    for (size_t i = 0; i < totals->count; i++) {
        if (is_text(totals->array[i].name, name, frame->name_size) &&
            is_text(totals->array[i].labels, labels, frame->labels_size)) {
            return (int)i;
        }
    }
    return append(totals, frame, name, help, labels);
}

void
coh_totals_fold(
    struct coh_totals *totals, const uint16_t *indexes, const uint64_t *values,
    size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct coh_total *total = &totals->array[indexes[i]];

        if (total->kind != COHORT_GAUGE) {
            total->retired += values[i];
        }
    }
}
