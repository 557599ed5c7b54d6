/* Where connections come into a worker: over the channel, or from listening
   sockets of its own. */
#ifndef COH_SERVER_ACCEPT_INTAKE_H
#define COH_SERVER_ACCEPT_INTAKE_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/addr.h"
#include "server/accept/churn.h"
#include "server/accept/counted.h"
#include "server/accept/handoff.h"
#include "server/accept/policy.h"
#include "server/accept/turns.h"

struct coh_intake;

struct coh_channel;
struct coh_intake;
struct coh_loop;
struct coh_message;
struct cohort_log;

/* One listening address of the worker's generation. */
struct coh_intake_listener {
    struct coh_intake *intake;
    const struct coh_policy *policy;
    struct coh_addr address;
    void *user;        /* of cohort_load_listen */
    int fd;            /* -1: its connections come over the channel, or those
                          of the wildcard that covers it */
    bool is_alone;     /* nobody else accepts from fd: single-process mode */
    bool has_covered;  /* a wildcard beside specific addresses of its port,
                          which may have no sockets of their own */
    bool is_accepting; /* the event is added */
    struct event event;
    /* Of policy_shared.c. */
    struct event aside;  /* the end of standing aside */
    unsigned last_count; /* connections open at the last accept */
    bool is_lasting;     /* that one was open still at the last look */
    bool is_counted;     /* it counts as a turn */
};

struct coh_intake {
    /* Filled in before coh_intake_init. */
    struct coh_loop *loop;
    struct cohort_log *log;
    struct coh_channel *channel;     /* NULL in single-process mode */
    struct coh_handoff_words *words; /* of the slot */
    struct coh_turns *turns;         /* NULL: nobody to take turns with */
    struct coh_churn churn;          /* of what own sockets bring */
    unsigned open_max;               /* worker_connections */
    void (*on_connection)(void *state, int fd, void *user);
    size_t (*reclaim)(void *state, size_t count); /* may be NULL */
    void *state;
    uint64_t *counters; /* by enum coh_counted; NULL: nobody reads them */
    /* One has been closed, and there is room. The service is still at it: not
       the time to give it another one. NULL: nobody wants to know. */
    void (*on_closed)(void *user);
    void *closed_user;

    struct coh_intake_listener *listeners; /* by index */
    unsigned listener_count;
    bool is_started;  /* takes connections */
    bool is_paused;   /* own sockets are left alone: full, or out of
                         descriptors */
    bool owes_credit; /* the primary waits for our credit frame */
    uint64_t told_ms; /* when a lack of descriptors was an alert last */
    struct event retry;
    int reserve; /* a descriptor kept for bad times, or -1 */
};

/*
 * Process  The worker, or the only process.
 * Returns  0 or -errno.
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

/* Take connections from now on. 0, or -errno after a log line. */
int coh_intake_start(struct coh_intake *intake);

/* Take what waits in own listening sockets now, as long as there is room. */
void coh_intake_take_waiting(struct coh_intake *intake);

/* Take no more: listening sockets are left and closed, and what is still
   offered is refused. Fine twice. */
void coh_intake_drain(struct coh_intake *intake);

/* COH_FRAME_CONNECTIONS has come. Its rule: min_size one struct
   coh_frame_connection, max_size COH_HANDOFF_WINDOW of them, max_fds
   COH_HANDOFF_WINDOW, may_lose_fds. */
void coh_intake_offered(struct coh_intake *intake, struct coh_message *message);

/* The service has closed one (after it closed the descriptor). */
void coh_intake_connection_closed(struct coh_intake *intake);

/* Client connections that are open now. */
unsigned coh_intake_open_count(const struct coh_intake *intake);

/* --- for policies under which workers accept ------------------------------ */

/* Accept one connection: -1 when there is none, or no room for it (then the
   intake pauses by itself). */
int coh_intake_accept(struct coh_intake_listener *listener);

/* Leave own sockets alone for a moment: something that they need is short. */
void coh_intake_pause(struct coh_intake *intake);

/* Give one to the service. */
void coh_intake_serve(struct coh_intake_listener *listener, int fd);

/* --- between intake.c and intake_sockets.c -------------------------------- */

/* So many more of it. */
void coh_intake_count(
    struct coh_intake *intake, enum coh_counted what, uint64_t count);

/* At open_max. */
bool coh_intake_is_full(const struct coh_intake *intake);

/* Close some idle connections; how many. */
size_t coh_intake_reclaim(struct coh_intake *intake);

/* Idle connections have to go before new ones are turned away. */
bool coh_intake_has_room(struct coh_intake *intake);

/* The reserve is there, now if not before. */
bool coh_intake_has_reserve(struct coh_intake *intake);

/* Watch all own sockets. 0, or -errno after a log line. */
int coh_intake_begin(struct coh_intake *intake);

/* A connection or a descriptor may be free again; ask again later. */
void coh_intake_resume(struct coh_intake *intake);
void coh_intake_retry_later(struct coh_intake *intake);

/* Watch none any more, and close them. */
void coh_intake_leave(struct coh_intake *intake);

#endif
