/* A member of a cluster, seen from the primary: struct cohort_worker. */
#ifndef COH_CLUSTER_MEMBER_H
#define COH_CLUSTER_MEMBER_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <cohort/cluster.h>
#include <cohort/str.h>

#include "server/cluster/codec.h"
#include "server/cluster/frames.h"
#include "server/cluster/outbox.h"
#include "server/cluster/query.h"
#include "server/primary/child.h"
#include "server/primary/watchdog.h"

struct coh_cluster;
struct coh_listener;
struct coh_listener_sets;
struct coh_seat;

TAILQ_HEAD(coh_seat_list, coh_seat);

/*
 * The states are those of enum cohort_worker_state; who makes the moves:
 *
 *   none -> online                 coh_member_online
 *   online -> listening            coh_member_listening
 *   any -> disconnected            coh_member_lost: the channel has ended
 *   disconnected -> dead           on_exit, or coh_member_lost after it:
 *                                  channel and process have ended; it is
 *                                  out of the table
 *   dead -> freed                  coh_cluster_settle: its last event was told
 *
 * A process that ends first is waited for until its channel has, too, so that
 * nothing it said is lost, but not for long: others may hold it open.
 */
struct cohort_worker {
    TAILQ_ENTRY(cohort_worker) link;
    struct coh_cluster *cluster;
    uint64_t id;
    enum cohort_worker_state state;
    enum cohort_leaving leaving;
    enum cohort_reason reason; /* of who asked it to leave; SELF: nobody */
    enum cohort_serialization serialization;

    char program[64];     /* for people */
    uint32_t watchdog_ms; /* as set up; 0: off */
    uint64_t born_ms;     /* monotonic */
    pid_t pid;            /* -1: it could not be started */
    struct coh_child child;
    int report;        /* of its start (launch.h); -1: read */
    bool is_stillborn; /* it could not be started */
    bool has_exited;   /* the process has ended: how */
    struct coh_exit how;

    const struct coh_codec *codec;
    void *line;                 /* the codec's; NULL: closed */
    bool is_ready;              /* that was told */
    bool is_leaving;            /* it was asked to disconnect */
    bool is_hung_up;            /* by us: coh_member_lost is still to come */
    bool is_overdue;            /* it did not leave in time: SIGTERM was sent */
    struct event later;         /* its channel is given up: that is told */
    struct event deadline;      /* to have left, then for SIGKILL */
    struct coh_watched watched; /* from online to its exit */
    bool is_isolated;           /* coh_member_isolate */
    struct coh_outbox outbox;
    uint64_t taken_count; /* connections of ours, at seats that it has left */
    struct coh_seat_list seats;
    unsigned unclosed_count; /* seats taken from it of which it has not said so
                                itself: it may not know yet */
    const struct coh_listener *left[COH_SEATS_MAX]; /* whose sockets it has at
        seats that were taken from it; only to be compared */
    unsigned left_count;

    int stdio[COHORT_STDIO_MAX]; /* our ends of pipes */
    unsigned stdio_count;

    unsigned event_count; /* queued events about it */
    void *listeners;      /* of the C API (listeners.c) */
    void *user;
};

/* Start one. As coh_cluster_fork. */
int coh_member_new(
    struct coh_cluster *cluster, const char *const *environment,
    struct cohort_worker **member);

/* SIGKILL, and free; nothing is told. */
void coh_member_destroy(struct cohort_worker *member);

/* In a forked child: close its descriptors here, nothing else. */
void coh_member_forget(struct cohort_worker *member);

/* --- what doors ask for --------------------------------------------------- */

void coh_member_disconnect(struct cohort_worker *member, unsigned timeout_ms);

/* 0; -EINVAL; -EPERM. */
int coh_member_kill(
    struct cohort_worker *member, int number, enum cohort_reason reason);

void coh_member_hang_up(struct cohort_worker *member);

/* It hangs: no more connections for it, wherever it listens; it does not
   any more. */
void coh_member_isolate(struct cohort_worker *member);
void coh_member_rejoin(struct cohort_worker *member);

/* The one that was to take its place is gone. */
void coh_member_stays(struct cohort_worker *member);

/* It has given its first sign of life: more are expected from now on. And: it
   serves, so there is no reason for patience any more. */
void coh_member_watch(struct cohort_worker *member);
void coh_member_watch_closely(struct cohort_worker *member);

/* Since when it leaves a connection lying (monotonic milliseconds); 0: it does
   not. */
uint64_t coh_member_ignored_since(
    struct cohort_worker *member, uint64_t now_ms);

/* It may have connections that the primary did not hand to it: it accepts by
   itself where it listens, and is not held. */
bool coh_member_accepts(const struct cohort_worker *member);

/* It listened there, accepts by itself, and may not know yet that it is to
   leave. */
bool coh_member_may_accept(
    const struct cohort_worker *member, const struct coh_listener *listener);

/* How many connections it has taken: from the primary, and by accepting where
   its codec tells. */
uint64_t coh_member_taken_count(const struct cohort_worker *member);

int coh_member_send(
    struct cohort_worker *member, struct cohort_str message,
    const struct cohort_send *options);

/* --- what codecs tell, from the loop -------------------------------------- */

void coh_member_online(struct cohort_worker *member);
void coh_member_message(
    struct cohort_worker *member, struct cohort_str message, int *fd);
void coh_member_query(
    struct cohort_worker *member, uint64_t request,
    const struct coh_query *query);
void coh_member_ready(struct cohort_worker *member); /* fine twice */
void coh_member_listening(struct coh_seat *seat);
void coh_member_closed(struct coh_seat *seat);

/* It has closed one that it had been deprived of. */
void coh_member_has_closed(struct cohort_worker *member);

/* It will hang up of its own will. */
void coh_member_leaving(struct cohort_worker *member, bool is_kill);

/* The channel has ended; the line is freed here. Return at once after it. */
void coh_member_lost(struct cohort_worker *member);

/* --- between the files of the member -------------------------------------- */

/* What it must know was said with this result. If it could not be, its channel
   is closed: the end of that it sees in any case. */
void coh_member_must_hear(struct cohort_worker *member, int result);

/* The process has ended. */
void coh_member_on_exit(struct coh_child *child, struct coh_exit how);

/* Its channel, what is shared with it as well, goes; fine twice. */
void coh_member_close_line(struct cohort_worker *member);

/* Its channel ends now; the time that it has to leave is over. */
void coh_member_on_later(evutil_socket_t fd, short what, void *user);
void coh_member_on_deadline(evutil_socket_t fd, short what, void *user);

/* The seat is about to be taken from it (member_seats.c). */
void coh_member_note_left(struct coh_seat *seat);

/* It listens nowhere any more; as coh_site_leave. */
void coh_member_leave_sites(struct cohort_worker *member, bool is_dead);

/* --- what events tell ----------------------------------------------------- */

void coh_member_told(struct cohort_worker *member);

#endif
