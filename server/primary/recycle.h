/* Workers that are replaced before they do harm: each over max_rss,
   max_requests or max_age of its group, one at a time.

   A group of any kind joins: it fills in the first part of struct coh_recycle,
   calls coh_recycle_init, adds each worker when that serves and removes it when
   that leaves. */
#ifndef COH_PRIMARY_RECYCLE_H
#define COH_PRIMARY_RECYCLE_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "server/process/upkeep.h"

#define COH_RECYCLE_LOOK_MS 1000 /* between two looks at a group */
#define COH_RECYCLE_WHY_MAX 128  /* bytes */

struct coh_loop;
struct coh_recycle;

/* A worker, as recycling knows it; embedded in what the primary has of it. */
struct coh_recycled {
    TAILQ_ENTRY(coh_recycled) link;
    struct coh_recycle *group; /* NULL: not looked at */
    pid_t pid;
    uint64_t born_ms;      /* monotonic */
    uint64_t max_requests; /* its own, below those of the group; 0: none */
    uint64_t max_age_ms;
};

struct coh_recycle {
    struct coh_loop *loop;
    struct coh_upkeep limits; /* watchdog_ms is not looked at */
    void *user;
    /* How many requests it has served; NULL: nobody counts. */
    uint64_t (*served)(const struct coh_recycled *worker);
    bool counts_connections; /* instead of requests, by served */
    /* All workers that there should be serve, and nobody is on the way in: only
       then is one replaced. */
    bool (*is_settled)(const struct coh_recycle *group);
    /* Start another one in its place, and let this one go when that serves. It
       may be removed and added again inside the call. 0, or -errno: not now. */
    int (*replace)(
        struct coh_recycled *worker, const char *limit, const char *why);

    TAILQ_HEAD(, coh_recycled) workers;
    struct event look;
};

/* Nothing is looked at before the first worker comes, and without limits
   never. loop outlives it. */
void coh_recycle_init(struct coh_recycle *group);
void coh_recycle_fini(struct coh_recycle *group);

/* A worker serves, or leaves. Fine twice. */
void coh_recycle_add(
    struct coh_recycle *group, struct coh_recycled *worker, pid_t pid,
    uint64_t born_ms);
void coh_recycle_remove(struct coh_recycled *worker);

/*
 * The limit of its group that a worker is over, as its directive names it, at
 * the time of now_ms, with so many requests served and so much memory. NULL:
 * none.
 *
 * why  Out: how, in words; COH_RECYCLE_WHY_MAX bytes.
 */
const char *coh_recycle_limit(
    const struct coh_recycled *worker, uint64_t now_ms, uint64_t served,
    uint64_t rss, char *why);

#endif
