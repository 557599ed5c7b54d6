/* Totals: what a worker counted stays in the sum when the worker goes. */
#include "server/primary/counters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/str.h"

static void
free_texts(struct coh_total *total)
{
    free(total->name);
    free(total->help);
    free(total->labels);
}

void
coh_totals_fini(struct coh_totals *totals)
{
    for (size_t i = 0; i < totals->count; i++) {
        free_texts(&totals->array[i]);
    }
    free(totals->array);
    *totals = (struct coh_totals){0};
}

static char *
copy(struct cohort_str text)
{
    return text.size > 0 ? strndup(text.data, text.size) : strdup("");
}

static int
append(struct coh_totals *totals, const struct coh_counter *counter)
{
    struct coh_total *grown;
    struct coh_total total = {.kind = counter->kind};

    if (totals->count == COH_TOTALS_MAX) {
        return -ENOSPC;
    }
    grown = realloc(totals->array, (totals->count + 1) * sizeof(*grown));
    if (!grown) {
        return -ENOMEM;
    }
    totals->array = grown;
    total.name = copy(counter->name);
    total.help = copy(counter->help);
    total.labels = copy(counter->labels);
    if (!total.name || !total.help || !total.labels) {
        free_texts(&total);
        return -ENOMEM;
    }
    totals->array[totals->count] = total;
    return (int)totals->count++;
}

int
coh_totals_find(struct coh_totals *totals, const struct coh_counter *counter)
{
    for (size_t i = 0; i < totals->count; i++) {
        if (coh_str_is(counter->name, totals->array[i].name) &&
            coh_str_is(counter->labels, totals->array[i].labels)) {
            return (int)i;
        }
    }
    return append(totals, counter);
}

int
coh_totals_declare(
    struct coh_totals *totals, const struct coh_frame_counter *frame,
    size_t size)
{
    const char *name = (const char *)(frame + 1);
    const char *help = name + frame->name_size;
    const struct coh_counter counter = {
        .name = cohort_str_n(name, frame->name_size),
        .help = cohort_str_n(help, frame->help_size),
        .labels = cohort_str_n(help + frame->help_size, frame->labels_size),
        .kind = frame->kind <= COHORT_HISTOGRAM
            ? (enum cohort_counter_kind)frame->kind
            : COHORT_COUNTER,
    };

    if (size !=
        sizeof(*frame) + frame->name_size + frame->help_size +
            frame->labels_size) {
        return -EPROTO;
    }
    return coh_totals_find(totals, &counter);
}

void
coh_totals_hear(
    struct coh_totals *totals, const struct coh_counter *counter,
    uint64_t value)
{
    int index = counter->kind == COHORT_GAUGE
        ? -EINVAL
        : coh_totals_find(totals, counter);

    if (index >= 0 && totals->array[index].other < value) {
        totals->array[index].other = value;
    }
}

void
coh_totals_inherit(struct coh_totals *totals)
{
    for (size_t i = 0; i < totals->count; i++) {
        totals->array[i].retired += totals->array[i].other;
        totals->array[i].other = 0;
    }
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
