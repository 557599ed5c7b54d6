/* What a location does with a request, computed at load: just those hooks and
   filters that have something to do there. */
#ifndef COH_HTTP_PLAN_H
#define COH_HTTP_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include <cohort/module/phase.h>

#include "core/arena.h"

struct coh_field;
struct coh_location;
struct coh_rendered;

struct coh_plan_step {
    cohort_hook run;
    const void *settings;
};

struct coh_plan_filter {
    const struct cohort_head_filter *filter;
    const void *settings;
};

struct coh_plan_status {
    const struct cohort_status_hook *hook;
    const void *settings;
};

struct coh_plan {
    /* In running order: what comes before the location is known (the root's
       plan alone), then up to the content, then the log. */
    const struct coh_plan_step *steps;
    uint16_t early_count;
    uint16_t log_at;
    uint16_t step_count;
    uint16_t filter_count;
    uint16_t status_count;
    const struct coh_plan_filter *filters;
    const struct coh_plan_status *status_hooks;
    /* What the filters add to every 200, for files that are rendered once. */
    const struct coh_field *fields;
    uint16_t field_count;
    bool are_fields_constant; /* false: nothing may be rendered */
    /* The answer, if every request gets the same; else NULL. */
    const struct coh_rendered *rendered;
};

/* Make the plans of a location and of all inside it. */
void coh_plan_make(struct coh_arena *arena, struct coh_location *location);

#endif
