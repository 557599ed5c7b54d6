/* Where connections come into a worker: over the channel, or from listening
   sockets of its own. */
#ifndef COH_SERVER_ACCEPT_INTAKE_H
#define COH_SERVER_ACCEPT_INTAKE_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/addr.h"
#include "server/accept/handoff.h"
#include "server/accept/policy.h"

struct coh_intake;

/* One listening address of the worker's generation. */
struct coh_intake_listener {
    struct coh_intake *intake;
    const struct coh_policy *policy;
    struct coh_addr address;
    void *user;    /* of cohort_load_listen */
    int fd;        /* -1: its connections come over the channel, or those of the
                   wildcard that covers it */
    bool is_alone; /* nobody else accepts from fd: single-process mode */
    bool has_covered;  /* others are covered by this wildcard */
    bool is_accepting; /* the event is added */
    unsigned index;
    struct event event;
};

struct coh_intake {
    struct coh_loop *loop;
    struct cohort_log *log;
    struct coh_channel *channel;     /* NULL in single-process mode */
    struct coh_handoff_words *words; /* of the slot */
    unsigned open_max;               /* worker_connections */
    void (*on_connection)(void *state, int fd, void *user);
    size_t (*reclaim)(void *state, size_t count); /* may be NULL */
    void *state;
    struct coh_intake_listener *listeners; /* by index */
    unsigned listener_count;
    bool is_started;
    bool is_paused;     /* full, or out of descriptors */
    bool has_refused;   /* the primary waits for our credit frame */
    struct event retry; /* after EMFILE */
    int reserve;        /* a descriptor kept for bad times, or -1 */
};

/*
 * Fill in loop, log, channel, words, open_max, on_connection, reclaim and state
 * before. 0 or -errno.
 *
 * Process  The worker, or the only process.
 */
int coh_intake_init(struct coh_intake *intake, unsigned listener_count);
void coh_intake_fini(struct coh_intake *intake);

/*
 * Describe the address with this index; all of them before start.
 *
 * fd  The socket to accept from, now the intake's; -1: none.
 */
void coh_intake_set(
    struct coh_intake *intake, unsigned index, enum cohort_policy policy,
    const struct coh_addr *address, int fd, void *user);

/* Take connections from now on. 0 or -errno after a log line. */
int coh_intake_start(struct coh_intake *intake);

/* Take no more: listening sockets are left and closed. What is offered after
   this is refused. */
void coh_intake_drain(struct coh_intake *intake);

/* COH_FRAME_CONNECTIONS came: rule {.min_size = sizeof(struct
   coh_frame_connection), .max_size = COH_HANDOFF_WINDOW times that, .max_fds =
   COH_HANDOFF_WINDOW, .may_lose_fds = true}. */
struct coh_message;
void coh_intake_offered(struct coh_intake *intake, struct coh_message *message);

/* The service has closed one. */
void coh_intake_connection_closed(struct coh_intake *intake);

#endif
