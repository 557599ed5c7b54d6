/* Events handed to callbacks, the worker's before the primary's. */
#include "server/cluster/listeners.h"

#include <errno.h>
#include <stdlib.h>

#include "server/cluster/event.h"
#include "server/cluster/member.h"
#include "server/cluster/primary.h"

struct coh_listener_set {
    STAILQ_ENTRY(coh_listener_set) link;
    const struct cohort_events *events; /* NULL: removed, to be freed */
    void *user;
};

int
coh_listeners_add(
    struct coh_listener_sets *sets, const struct cohort_events *events,
    void *user)
{
    struct coh_listener_set *set = malloc(sizeof(*set));

    if (set == NULL) {
        return -ENOMEM;
    }
    *set = (struct coh_listener_set){.events = events, .user = user};
    STAILQ_INSERT_TAIL(sets, set, link);
    return 0;
}

/* It stays in the list: somebody may be walking there. */
void
coh_listeners_remove(
    struct coh_listener_sets *sets, const struct cohort_events *events,
    void *user)
{
    struct coh_listener_set *set;

    STAILQ_FOREACH (set, sets, link) {
        if (set->events == events && set->user == user) {
            set->events = NULL;
            return;
        }
    }
}

void
coh_listeners_free(struct coh_listener_sets *sets)
{
    struct coh_listener_set *set;

    while ((set = STAILQ_FIRST(sets)) != NULL) {
        STAILQ_REMOVE_HEAD(sets, link);
        free(set);
    }
}

static void
sweep(struct coh_listener_sets *sets)
{
    struct coh_listener_set *set = STAILQ_FIRST(sets);

    while (set != NULL) {
        struct coh_listener_set *next = STAILQ_NEXT(set, link);

        if (set->events == NULL) {
            STAILQ_REMOVE(sets, set, coh_listener_set, link);
            free(set);
        }
        set = next;
    }
}

struct coh_listener_sets *
coh_listeners_of(struct cohort_worker *worker, bool will_make)
{
    struct coh_listener_sets *sets = worker->listeners;

    if (sets == NULL && will_make) {
        sets = malloc(sizeof(*sets));
        if (sets != NULL) {
            STAILQ_INIT(sets);
            worker->listeners = sets;
        }
    }
    return sets;
}

void
coh_listeners_forget(struct cohort_worker *worker)
{
    if (worker->listeners != NULL) {
        coh_listeners_free(worker->listeners);
        free(worker->listeners);
        worker->listeners = NULL;
    }
}

/* --- calling -------------------------------------------------------------- */

/* Calls one callback of a set, if it is there. */
#define CALL(callback, ...)                                                    \
    do {                                                                       \
        if (events->callback != NULL) {                                        \
            events->callback(__VA_ARGS__, set->user);                          \
        }                                                                      \
    } while (0)

static void
call(
    struct cohort_primary *primary, const struct coh_listener_set *set,
    const struct coh_cluster_event *event)
{
    const struct cohort_events *events = set->events;

    switch (event->kind) {
    case COH_CLUSTER_SETUP:
        CALL(on_setup, primary, &primary->cluster.settings->shown);
        break;
    case COH_CLUSTER_FORK:
        CALL(on_fork, event->member);
        break;
    case COH_CLUSTER_ONLINE:
        CALL(on_online, event->member);
        break;
    case COH_CLUSTER_READY:
        CALL(on_ready, event->member);
        break;
    case COH_CLUSTER_LISTENING:
        CALL(on_listening, event->member, &event->address);
        break;
    case COH_CLUSTER_MESSAGE:
        CALL(on_message, event->member, event->message);
        break;
    case COH_CLUSTER_STUCK:
        CALL(on_stuck, event->member, event->what);
        break;
    case COH_CLUSTER_DISCONNECT:
        CALL(on_disconnect, event->member);
        break;
    case COH_CLUSTER_EXIT:
        CALL(on_exit, event->member, &event->how);
        break;
    case COH_CLUSTER_ERROR:
        CALL(on_error, event->member, event->error, event->what);
        break;
    case COH_CLUSTER_PAUSED:
    case COH_CLUSTER_RESUMED:
        CALL(
            on_accept_paused, primary, &event->address,
            event->kind == COH_CLUSTER_PAUSED);
        break;
    case COH_CLUSTER_DROPPED:
        CALL(on_drop, primary, &event->address, event->count);
        break;
    }
}

#undef CALL

static void
call_sets(
    struct cohort_primary *primary, struct coh_listener_sets *sets,
    const struct coh_cluster_event *event)
{
    struct coh_listener_set *set;

    if (sets == NULL) {
        return;
    }
    STAILQ_FOREACH (set, sets, link) {
        if (set->events != NULL) {
            call(primary, set, event);
        }
    }
    sweep(sets);
}

void
coh_listeners_tell(void *user, const struct coh_cluster_event *event)
{
    struct cohort_primary *primary = user;

    if (event->member != NULL) {
        call_sets(primary, event->member->listeners, event);
    }
    call_sets(primary, &primary->listeners, event);
}
