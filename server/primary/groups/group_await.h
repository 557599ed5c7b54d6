/* Connections that were accepted for a group which nobody follows: its workers
   take them before they are told to leave. */
#ifndef COH_PRIMARY_GROUP_AWAIT_H
#define COH_PRIMARY_GROUP_AWAIT_H

#include <event2/event_struct.h>
#include <stdbool.h>

struct coh_group;

struct coh_group_await {
    struct event look;
    void (*then)(struct coh_group *group);
};

/* Somebody has connections that its workers will take as soon as they can: one
   that is stuck has none. */
bool coh_group_has_offers(const struct coh_group *group);

/* Before everything else, and last. */
void coh_group_await_init(struct coh_group *group);
void coh_group_await_fini(struct coh_group *group);

/*
 * Accept no more. Must what was accepted be awaited? Not longer than
 * worker_shutdown_timeout, and not where a successor gets it or nobody is left
 * who could take it.
 *
 * then     Called when it may be over, from the loop: ask again. Not once the
 *          group was ended by a signal.
 */
bool coh_group_await(
    struct coh_group *group, void (*then)(struct coh_group *group));

#endif
