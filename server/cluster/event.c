/* The queue of events: always told from the loop, never inside a call of the
   program's. */
#include "server/cluster/event.h"

#include <stdlib.h>

#include "core/event.h"
#include "server/cluster/cluster.h"
#include "server/cluster/member.h"

static void
tell(struct coh_cluster *cluster, const struct coh_cluster_event *event)
{
    struct coh_cluster_reader *reader;

    STAILQ_FOREACH (reader, &cluster->events.readers, link) {
        reader->on_event(reader->user, event);
    }
}

/* In the order of the queue, also what is added meanwhile. A member may go with
   its last event. */
static void
tell_queued(struct coh_cluster *cluster)
{
    struct coh_cluster_events *events = &cluster->events;
    struct coh_cluster_event *event;

    events->is_telling = true;
    while ((event = STAILQ_FIRST(&events->queue)) != NULL) {
        struct cohort_worker *member = event->member;

        STAILQ_REMOVE_HEAD(&events->queue, link);
        if (event->kind == COH_CLUSTER_DISCONNECT) {
            coh_outbox_call(&member->outbox); /* its turn may be behind ours */
        }
        tell(cluster, event);
        free(event);
        if (member != NULL) {
            coh_member_told(member);
        }
    }
    events->is_telling = false;
}

static void
on_turn(evutil_socket_t fd, short what, void *user)
{
    struct coh_cluster *cluster = user;

    (void)fd;
    (void)what;
    tell_queued(cluster);
    coh_cluster_settle(cluster);
}

void
coh_cluster_tell_later(struct coh_cluster *cluster)
{
    event_active(&cluster->events.turn, EV_TIMEOUT, 1);
}

void
coh_cluster_tell(
    struct coh_cluster *cluster, const struct coh_cluster_event *event)
{
    struct coh_cluster_event *copy = malloc(sizeof(*copy));

    if (copy == NULL) {
        cohort_alert(
            cluster->log, "an event of the cluster is lost: no memory");
        return;
    }
    *copy = *event;
    if (copy->address.host != NULL) {
        copy->address.host = copy->host;
    }
    if (copy->member != NULL) {
        copy->member->event_count++;
    }
    STAILQ_INSERT_TAIL(&cluster->events.queue, copy, link);
    coh_cluster_tell_later(cluster);
}

void
coh_cluster_tell_kind(
    struct coh_cluster *cluster, enum coh_cluster_event_kind kind,
    struct cohort_worker *member)
{
    const struct coh_cluster_event event = {.kind = kind, .member = member};

    coh_cluster_tell(cluster, &event);
}

void
coh_cluster_tell_now(
    struct coh_cluster *cluster, const struct coh_cluster_event *event)
{
    if (!cluster->events.is_telling) {
        tell_queued(cluster);
    }
    tell(cluster, event);
}

void
coh_cluster_events_init(struct coh_cluster *cluster)
{
    struct coh_cluster_events *events = &cluster->events;

    STAILQ_INIT(&events->queue);
    STAILQ_INIT(&events->readers);
    events->is_telling = false;
    event_assign(&events->turn, cluster->loop->base, -1, 0, on_turn, cluster);
}

void
coh_cluster_events_fini(struct coh_cluster *cluster)
{
    struct coh_cluster_event *event;

    event_del(&cluster->events.turn);
    while ((event = STAILQ_FIRST(&cluster->events.queue)) != NULL) {
        STAILQ_REMOVE_HEAD(&cluster->events.queue, link);
        free(event);
    }
}
