/* What the primary has to tell: one list of events that the log and the admin
   service read. */
#ifndef COH_PRIMARY_EVENTS_H
#define COH_PRIMARY_EVENTS_H

#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include <cohort/cluster.h>

#include "server/primary/child.h"
#include "server/process/group.h"

/* In the order in which they happen to a worker. */
enum coh_event_kind {
    COH_EVENT_SETUP,         /* workers of a group will be started so: text */
    COH_EVENT_FORK,          /* a worker was born */
    COH_EVENT_ONLINE,        /* its process runs, and has said so */
    COH_EVENT_READY,         /* it could serve */
    COH_EVENT_LISTENING,     /* it takes connections of an address: text */
    COH_EVENT_MESSAGE,       /* it has sent one: message */
    COH_EVENT_STUCK,         /* it hangs, or has not left in time: text */
    COH_EVENT_DISCONNECT,    /* it takes nothing new */
    COH_EVENT_EXIT,          /* it has ended: how */
    COH_EVENT_ERROR,         /* what could not be done: text */
    COH_EVENT_CRASH_LOOP,    /* it died young again: delay_ms */
    COH_EVENT_RECYCLE,       /* it is replaced: text says why */
    COH_EVENT_ACCEPT_PAUSED, /* connections wait: no worker takes them; text
                                if there is none */
    COH_EVENT_ACCEPT_RESUMED,
    COH_EVENT_DROP,          /* connections were closed unserved: count */
    COH_EVENT_RELOAD_BEGIN,  /* a generation is being loaded */
    COH_EVENT_RELOAD_CANARY, /* it is on trial: text says how */
    COH_EVENT_RELOAD_DONE,   /* it serves: text says where */
    COH_EVENT_RELOAD_FAILED, /* dropped (text: why), generation stays */
    COH_EVENT_TEMPLATE_LOST, /* it died (how), and is started again */
    COH_EVENT_TEMPLATE_REPAIRED,
    COH_EVENT_TEMPLATE_MISSING, /* it loads no more, or another one: text */
    COH_EVENT_TEMPLATE_RENEWED, /* after a crash: workers come from another */
    COH_EVENT_TEMPLATE_KEPT,    /* that was not to be: text says why */
    COH_EVENT_LEAVING,          /* the primary is to end: text says how */
    COH_EVENT_UPGRADE_BEGIN,    /* the binary (text) is started beside us */
    COH_EVENT_UPGRADE_READY,    /* it serves: text */
    COH_EVENT_UPGRADE_FAILED,   /* it cannot be had: text */
    COH_EVENT_UPGRADE_UNDONE,   /* it (pid) leaves: this one goes on alone */
    COH_EVENT_UPGRADE_DONE,     /* the old one (pid) leaves: all is ours */
    COH_EVENT_KIND_COUNT,
};

struct coh_event {
    enum coh_event_kind kind;
    uint64_t generation;
    uint64_t worker_id; /* 0: not about a worker */
    const char *group;  /* NULL: about none */
    pid_t pid;
    struct coh_exit how;
    enum cohort_reason reason; /* of a worker's exit */
    uint64_t delay_ms;
    uint64_t count;            /* of what there was; 0: says nothing */
    const char *limit;         /* of a RECYCLE: the one that was reached */
    const char *text;          /* NULL: none; valid during the call */
    struct cohort_str message; /* JSON, as text */
    bool is_start;             /* RELOAD_DONE: of the first generation */
    /* RELOAD_FAILED, UPGRADE_FAILED: all errors of the configuration, a line or
       more each; NULL: it is not to blame. */
    const char *report;
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

/* "accept_paused" and so on. */
const char *coh_event_name(enum coh_event_kind kind);

/* The reader that writes to the error log; user: struct cohort_log. */
void coh_event_log(void *user, const struct coh_event *event);

#endif
