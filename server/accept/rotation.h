/* The primary's side of the hand-off: the workers of a generation, and the
   connections that wait for one of them. */
#ifndef COH_SERVER_ACCEPT_ROTATION_H
#define COH_SERVER_ACCEPT_ROTATION_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "core/pool.h"
#include "server/accept/handoff.h"
#include "server/accept/pausing.h"

struct coh_acceptor;
struct coh_channel;
struct coh_listener;
struct coh_loop;
struct coh_policy;
struct coh_rotation;
struct cohort_log;

/* Never more than this many connections that no worker has taken; far above
   what windows let in, it bounds what emptied sockets bring. */
#define COH_OFFERS_MAX 8192

/* A connection that the primary holds until a worker took it. */
struct coh_offer {
    TAILQ_ENTRY(coh_offer) link; /* while it is pending */
    const struct coh_policy *policy;
    const struct coh_listener *listener;
    unsigned index; /* the listener's number in the generation */
    int fd;
    unsigned death_count; /* of workers without words that had it */
    uint64_t at_ms;       /* when it was offered last */
};

TAILQ_HEAD(coh_offer_list, coh_offer);

/* How often a connection is offered again after the death of a worker without
   words that had it: it may be the cause. */
#define COH_HANDOFF_DEATHS_MAX 2

/* A worker, seen from the hand-off; embedded in what the primary knows of
   it. */
struct coh_handoff_peer {
    TAILQ_ENTRY(coh_handoff_peer) link; /* in the rotation */
    struct coh_rotation *rotation;      /* NULL: takes no part */
    struct coh_handoff_words *words;
    struct coh_channel *channel;
    struct coh_offer *offers[COH_HANDOFF_WINDOW]; /* by word; NULL: revoked */
    uint64_t sequences[COH_HANDOFF_WINDOW];       /* of the last offer */
    uint64_t taken_count;                         /* of what was offered */
    uint64_t offered_ms[COH_HANDOFF_WINDOW];      /* when that was made */
    uint32_t busy;   /* bits of words that cannot be offered */
    bool is_stalled; /* left something for 100 ms: nothing until it moves */
    bool is_full;    /* refused: nothing until its credit frame */
    bool is_blocked; /* its socket was full: nothing until the next settling */
    /* For a worker without words (Node's), whose answers somebody else writes
       into words of its own: how a batch is sent, else by the channel. What it
       has been offered is never revoked by time: it may serve it. 0 or
       -errno. */
    int (*send)(struct coh_handoff_peer *peer);
    /* The batch of this wake-up. */
    struct coh_frame_connection batch[COH_HANDOFF_WINDOW];
    int batch_fds[COH_HANDOFF_WINDOW];
    unsigned batch_count;
};

TAILQ_HEAD(coh_handoff_peers, coh_handoff_peer);
TAILQ_HEAD(coh_acceptors, coh_acceptor);

/* The workers of one generation that take connections, and what waits for
   them. */
struct coh_rotation {
    /* Takes over a connection that was accepted here, if it is one of those
       that are for somebody else (then true). NULL: none are. */
    bool (*divert)(
        struct coh_rotation *rotation, const struct coh_acceptor *acceptor,
        int fd);
    struct coh_loop *loop;
    struct cohort_log *log;
    struct coh_handoff_peers peers;
    struct coh_handoff_peer *next;  /* whose turn it is; NULL: the first */
    struct coh_acceptors acceptors; /* that wait for credit */
    struct coh_offer_list pending;  /* accepted, but nobody's */
    unsigned pending_count;
    unsigned offered_count; /* on their way */
    struct coh_pool offers;
    struct event settle; /* runs while something is under way */
    bool is_settling;
    struct coh_pausing pausing;
    /* Accepting has stopped for COH_PAUSING_TOLD_MS (is_paused), for want of
       credit or of descriptors, or goes on after that; NULL: nobody asks. */
    void (*on_paused)(struct coh_rotation *rotation, bool is_paused);
    /* Connections were closed that nobody could take; NULL: a log line tells
       it. is_told: one has, already. */
    void (*on_dropped)(
        struct coh_rotation *rotation, unsigned count, bool is_told);
};

/* loop outlives it. */
void coh_rotation_init(
    struct coh_rotation *rotation, struct coh_loop *loop,
    struct cohort_log *log);

/* Takes out who is left. What still waits is closed, counted in a log line. */
void coh_rotation_fini(struct coh_rotation *rotation);

/* In a forked child: close the connections that the primary has here, nothing
   else. A client whose worker closes its own would not be told as long as the
   child lives. */
void coh_rotation_abandon(struct coh_rotation *rotation);

/* A new worker in a slot. words are reset: the slot's last owner is reaped. */
void coh_handoff_peer_init(
    struct coh_handoff_peer *peer, struct coh_handoff_words *words,
    struct coh_channel *channel);

/* The worker is ready, or well again: it gets its turn from now on, last. Fine
   for one that takes part. */
void coh_rotation_add(
    struct coh_rotation *rotation, struct coh_handoff_peer *peer);

/* The worker dies, drains or is stuck: what it has not taken is offered to the
   others. It may be added again later. Fine for one that takes no part. */
void coh_rotation_remove(struct coh_handoff_peer *peer);

/* Its COH_FRAME_CREDIT has come. Fine for one that takes no part. */
void coh_handoff_credit(struct coh_handoff_peer *peer);

/* Since when the worker has left an offer lying that it was made, revoked or
   not (monotonic milliseconds); 0: it has seen all. Fine for one that takes no
   part. */
uint64_t coh_handoff_ignored_since(
    struct coh_handoff_peer *peer, uint64_t now_ms);

/* Connections accepted but taken by nobody yet. While a generation is being
   replaced: keep its workers in the rotation until there are none, or give what
   is pending to the successor. */
unsigned coh_rotation_waiting(const struct coh_rotation *rotation);

/*
 * Let the workers of another generation serve what no worker of this one has
 * taken.
 *
 * acceptors  The successor's, of which those of the same listener are used.
 */
void coh_rotation_move(
    struct coh_rotation *rotation, struct coh_acceptor *const *acceptors,
    size_t acceptor_count);

/* --- for policies under which the primary accepts ------------------------- */

/* How many connections could be offered now: credit less what is pending. */
unsigned coh_rotation_room(struct coh_rotation *rotation);

/* A connection for somebody; fd is the rotation's from now on. Offers travel
   with coh_rotation_flush. */
void coh_rotation_push(
    struct coh_rotation *rotation, const struct coh_acceptor *acceptor, int fd);

/* Look at the words of all: drop copies of what was taken, take back what was
   refused or left lying. First thing in each wake-up. */
void coh_rotation_settle(struct coh_rotation *rotation);

/* Offer what is pending, one message per worker. Last thing in each wake-up. */
void coh_rotation_flush(struct coh_rotation *rotation);

/* Nobody has credit: let the workers say when that changes (want). True if it
   has changed while asking; false: acceptor is resumed when it does. */
bool coh_rotation_ask(
    struct coh_rotation *rotation, struct coh_acceptor *acceptor);

/* Resume an acceptor when somebody has credit and copies were dropped, within
   COH_HANDOFF_SETTLE_MS while any are out; resume it now, if it can; forget
   about it. */
void coh_rotation_wait(
    struct coh_rotation *rotation, struct coh_acceptor *acceptor);
bool coh_rotation_resume(
    struct coh_rotation *rotation, struct coh_acceptor *acceptor);
void coh_rotation_wait_end(
    struct coh_rotation *rotation, struct coh_acceptor *acceptor);

/* --- what a rotation does with one worker (handoff_primary.c) ------------- */

/* True if nothing speaks against an offer; and how many it can get. */
bool coh_handoff_has_credit(const struct coh_handoff_peer *peer);
unsigned coh_handoff_credit_count(const struct coh_handoff_peer *peer);

/* It has no credit, and not only because it has not run for a moment: it left
   an offer for COH_HANDOFF_SETTLE_MS, refused, or takes one at a time. */
bool coh_handoff_is_late(const struct coh_handoff_peer *peer);

/* Put a connection into the batch of a worker that has credit. */
void coh_handoff_offer(struct coh_handoff_peer *peer, struct coh_offer *offer);

/* Send the batch. False: the socket takes nothing now, and all of it is pending
   again. */
bool coh_handoff_send(struct coh_handoff_peer *peer);

/* See what became of its offers. */
void coh_handoff_look(struct coh_handoff_peer *peer, uint64_t now_ms);

/* Take back what it has not taken. */
void coh_handoff_end(struct coh_handoff_peer *peer);

/* Where offers are between two workers. */
void coh_rotation_pend(struct coh_rotation *rotation, struct coh_offer *offer);
void coh_rotation_unpend(
    struct coh_rotation *rotation, struct coh_offer *offer);

/* Our copy goes; whoever took the connection has its own. */
void coh_rotation_forget(
    struct coh_rotation *rotation, struct coh_offer *offer);

#endif
