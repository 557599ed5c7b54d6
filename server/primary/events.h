/* What the primary has to tell: one list of events that the log reads, and
   others later. */
#ifndef COH_PRIMARY_EVENTS_H
#define COH_PRIMARY_EVENTS_H

#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include <cohort/cluster.h>

#include "server/primary/child.h"

enum coh_event_kind {
    COH_EVENT_FORK,          /* a worker was born */
    COH_EVENT_ONLINE,        /* it serves */
    COH_EVENT_DISCONNECT,    /* it takes nothing new */
    COH_EVENT_EXIT,          /* it has ended: how */
    COH_EVENT_CRASH_LOOP,    /* it died young again: delay_ms */
    COH_EVENT_ACCEPT_PAUSED, /* connections wait: no worker takes them */
    COH_EVENT_ACCEPT_RESUMED,
    COH_EVENT_RELOAD_BEGIN,  /* a generation is being loaded */
    COH_EVENT_RELOAD_DONE,   /* it serves: text says where */
    COH_EVENT_RELOAD_FAILED, /* dropped (text: why), generation stays */
    COH_EVENT_TEMPLATE_LOST, /* it died (how), and is started again */
    COH_EVENT_TEMPLATE_REPAIRED,
    COH_EVENT_TEMPLATE_MISSING, /* it loads no more, or something else */
};

struct coh_event {
    enum coh_event_kind kind;
    uint64_t generation;
    uint64_t worker_id; /* 0: not about a worker */
    pid_t pid;
    struct coh_exit how;
    enum cohort_reason reason; /* of a worker's exit */
    uint64_t delay_ms;
    const char *text;   /* NULL: none; valid during the call */
    const char *report; /* RELOAD_FAILED: all errors of the configuration, a
                           line or more each; NULL: it is not to blame */
};

struct coh_event_reader {
    STAILQ_ENTRY(coh_event_reader) link;
    void (*on_event)(void *user, const struct coh_event *event);
    void *user;
};

STAILQ_HEAD(coh_event_readers, coh_event_reader);

/* Readers are told in the order they joined, inside the call. */
void coh_event_tell(
    struct coh_event_readers *readers, const struct coh_event *event);

/* The reader that writes to the error log; user: struct cohort_log. */
void coh_event_log(void *user, const struct coh_event *event);

#endif
