/* Who listens to events through the C API: sets of callbacks, of a primary and
   of each worker. */
#ifndef COH_CLUSTER_LISTENERS_H
#define COH_CLUSTER_LISTENERS_H

#include <stdbool.h>
#include <sys/queue.h>

#include <cohort/cluster.h>

struct coh_cluster_event;
struct coh_listener_set;

STAILQ_HEAD(coh_listener_sets, coh_listener_set);

/* 0 or -ENOMEM. */
int coh_listeners_add(
    struct coh_listener_sets *sets, const struct cohort_events *events,
    void *user);

/* Fine while they are being called. */
void coh_listeners_remove(
    struct coh_listener_sets *sets, const struct cohort_events *events,
    void *user);

void coh_listeners_free(struct coh_listener_sets *sets);

/* The worker's sets, made when needed; NULL: no memory, or none without
   will_make. */
struct coh_listener_sets *coh_listeners_of(
    struct cohort_worker *worker, bool will_make);
void coh_listeners_forget(struct cohort_worker *worker);

/* The reader of a cluster (user: its struct cohort_primary): the worker's sets
   first, then the primary's. */
void coh_listeners_tell(void *user, const struct coh_cluster_event *event);

#endif
