/* A generation on trial: it gets a share of the new connections for a while,
   and is promoted or rolled back by how it does beside the old one. */
#ifndef COH_PRIMARY_CANARY_H
#define COH_PRIMARY_CANARY_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>

#include <cohort/cohort.h>

struct coh_generation;
struct coh_primary;

/* Sums over the workers of a generation. */
struct coh_health {
    /* What the service says of itself, by enum cohort_health. */
    uint64_t counts[COHORT_HEALTH_COUNT];
    /* And what is seen from outside, as requests are counted when they end: at
       this moment, connections that are open, and workers that have not come
       back to their event loop for a while. */
    uint64_t open_count;
    unsigned hanging_count;
};

struct coh_canary {
    struct coh_generation *generation; /* NULL: nobody is on trial */
    unsigned share_sum;       /* of the connections that came, in percent */
    uint64_t end_ms;          /* of the trial, monotonic */
    struct coh_health before; /* of the old generation, when it began */
    struct event look;
};

void coh_canary_init(struct coh_primary *primary);
void coh_canary_fini(struct coh_primary *primary);

/*
 * Put the next generation, whose workers are ready, on trial if its
 * reload_canary asks for it. coh_reload_promote or coh_reload_failed follows.
 *
 * why      NULL; or why there is no trial that was asked for (static), which is
 *          logged as well.
 * Returns  False: nothing to do, or it cannot be done here.
 */
bool coh_canary_begin(struct coh_generation *next, const char **why);

/* It gets no more connections from here. Fine when nobody is on trial. */
void coh_canary_end(struct coh_primary *primary);

/* --- the judgement (canary_judge.c) --------------------------------------- */

enum coh_canary_verdict {
    COH_CANARY_UNDECIDED,
    COH_CANARY_GOOD,
    COH_CANARY_BAD,
};

#define COH_CANARY_WHY_MAX 256

/*
 * Compare what both did in the same time.
 *
 * is_over  The time of the trial: UNDECIDED is no answer any more.
 * why      Says what was compared.
 */
enum coh_canary_verdict coh_canary_judge(
    const struct coh_health *canary, const struct coh_health *old, bool is_over,
    char why[COH_CANARY_WHY_MAX]);

#endif
