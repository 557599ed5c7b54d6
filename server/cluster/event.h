/* What a cluster has to tell: queued, told from the loop, in order. */
#ifndef COH_CLUSTER_EVENT_H
#define COH_CLUSTER_EVENT_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <sys/queue.h>

#include <cohort/cluster.h>

#include "core/addr.h"

struct coh_cluster;

#define COH_CLUSTER_WHAT_MAX 384 /* bytes */

enum coh_cluster_event_kind {
    COH_CLUSTER_SETUP,
    COH_CLUSTER_FORK,
    COH_CLUSTER_ONLINE,
    COH_CLUSTER_READY,
    COH_CLUSTER_LISTENING, /* address */
    COH_CLUSTER_MESSAGE,   /* message */
    COH_CLUSTER_STUCK,     /* what: why that is said */
    COH_CLUSTER_DISCONNECT,
    COH_CLUSTER_EXIT,   /* how */
    COH_CLUSTER_ERROR,  /* error, what */
    COH_CLUSTER_PAUSED, /* address: nobody takes connections */
    COH_CLUSTER_RESUMED,
    COH_CLUSTER_DROPPED, /* address, count: of closed connections */
};

struct coh_cluster_event {
    STAILQ_ENTRY(coh_cluster_event) link;
    enum coh_cluster_event_kind kind;
    struct cohort_worker *member; /* NULL: about the cluster */
    struct cohort_exit how;
    int error; /* -errno */
    unsigned count;
    char what[COH_CLUSTER_WHAT_MAX];
    struct cohort_address address;
    char host[COH_ADDR_TEXT_MAX];
    struct cohort_message *message; /* told at once, never queued */
};

/* Told in the order they joined. */
struct coh_cluster_reader {
    STAILQ_ENTRY(coh_cluster_reader) link;
    void (*on_event)(void *user, const struct coh_cluster_event *event);
    void *user;
};

struct coh_cluster_events {
    STAILQ_HEAD(coh_cluster_event_queue, coh_cluster_event) queue;
    STAILQ_HEAD(coh_cluster_readers, coh_cluster_reader) readers;
    struct event turn; /* tells what is queued */
    bool is_telling;
};

void coh_cluster_events_init(struct coh_cluster *cluster);
void coh_cluster_events_fini(struct coh_cluster *cluster);

/* Queue a copy. Without memory the event is lost, after a log line. */
void coh_cluster_tell(
    struct coh_cluster *cluster, const struct coh_cluster_event *event);

/* The same for one that needs no more than its kind. */
void coh_cluster_tell_kind(
    struct coh_cluster *cluster, enum coh_cluster_event_kind kind,
    struct cohort_worker *member);

/* From a callback of the loop: what is queued is told first, then this. */
void coh_cluster_tell_now(
    struct coh_cluster *cluster, const struct coh_cluster_event *event);

/* Tell what is queued, soon. */
void coh_cluster_tell_later(struct coh_cluster *cluster);

#endif
