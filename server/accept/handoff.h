/* Connections that the primary accepted and hands over to workers; each one
   has a word in shared memory that says whose it is. */
#ifndef COH_SERVER_ACCEPT_HANDOFF_H
#define COH_SERVER_ACCEPT_HANDOFF_H

#include <event2/event_struct.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "server/channel/message.h"

/*
 * States of a word, and who moves it:
 *
 *   FREE, TAKEN, REFUSED, SKIPPED -> OFFERED   primary, with a new sequence
 *   OFFERED -> TAKEN    worker, before its first recv: it owns the connection
 *   OFFERED -> REFUSED  worker that is full: the primary offers it to another
 *   OFFERED -> REVOKED  primary: the worker died, drains, left the rotation, or
 *                       did not take it within 100 ms
 *   REVOKED -> SKIPPED  worker that has closed its descriptor of it
 *
 * Both sides move a word by compare-and-swap of state and sequence, so exactly
 * one of them wins, and what arrives late finds another sequence.
 */
enum coh_handoff_state {
    COH_HANDOFF_FREE,
    COH_HANDOFF_OFFERED,
    COH_HANDOFF_TAKEN,
    COH_HANDOFF_REFUSED,
    COH_HANDOFF_REVOKED,
    COH_HANDOFF_SKIPPED,
};

#define COH_HANDOFF_WINDOW 16 /* connections on their way to one worker */
#define COH_HANDOFF_BATCH 64  /* connections accepted in one wake-up */
#define COH_HANDOFF_SETTLE_MS 10
#define COH_HANDOFF_REVOKE_MS 100

/*
 * In the slot of a worker, in memory shared with the primary. All zero is the
 * right beginning.
 */
struct coh_handoff_words {
    /* The primary has nobody left to offer to: send a credit frame when there
       is room. Set by the primary, cleared by the worker. */
    _Atomic uint32_t want;
    /* Client connections that are open now, however they came; written by the
       worker alone. */
    _Atomic uint32_t open_count;
    _Atomic uint64_t words[COH_HANDOFF_WINDOW]; /* sequence << 8 | state */
} __attribute__((aligned(64)));

/* --- the primary's side --------------------------------------------------- */

struct coh_loop;
struct coh_channel;
struct cohort_log;
struct coh_acceptor;
struct coh_offer; /* a connection that is ours until a worker took it */
struct coh_rotation;

TAILQ_HEAD(coh_offer_list, coh_offer);

/* A worker, seen from the hand-off; embedded in what the primary knows of it. */
struct coh_handoff_peer {
    TAILQ_ENTRY(coh_handoff_peer) link; /* in the rotation */
    struct coh_rotation *rotation;      /* NULL: takes no part */
    struct coh_handoff_words *words;
    struct coh_channel *channel;
    struct coh_offer *offers[COH_HANDOFF_WINDOW]; /* by word */
    uint64_t sequences[COH_HANDOFF_WINDOW];       /* offered last */
    uint32_t busy;   /* bits of words that cannot be offered */
    bool is_stalled; /* left something for 100 ms: nothing until it moves */
    bool is_full;    /* refused: nothing until its credit frame */
    /* The batch of this wake-up. */
    struct coh_frame_connection batch[COH_HANDOFF_WINDOW];
    int batch_fds[COH_HANDOFF_WINDOW];
    unsigned batch_count;
};

TAILQ_HEAD(coh_handoff_peers, coh_handoff_peer);

/* The workers of one generation that take connections, and what waits for
   them. */
struct coh_rotation {
    struct coh_loop *loop;
    struct cohort_log *log;
    struct coh_handoff_peers peers;
    struct coh_handoff_peer *next; /* whose turn it is; NULL: the first */
    struct coh_offer_list pending; /* accepted, but nobody's */
    unsigned pending_count;
    unsigned offered_count; /* on their way */
    struct event settle;    /* runs while offered_count > 0 */
    /* Called when an offer can be made again after nobody had credit, and when
       descriptors were closed after -EMFILE. */
    TAILQ_HEAD(coh_acceptors, coh_acceptor) acceptors;
};

/* 0 or -errno. loop outlives it. */
int coh_rotation_init(
    struct coh_rotation *rotation, struct coh_loop *loop,
    struct cohort_log *log);

/* No peer may be left. What is still pending is closed (and counted in a log
   line). */
void coh_rotation_fini(struct coh_rotation *rotation);

/* A new worker in a slot. words are reset: the slot's last owner is reaped. */
void coh_handoff_peer_init(
    struct coh_handoff_peer *peer, struct coh_handoff_words *words,
    struct coh_channel *channel);

/* The worker is ready, or well again: it gets its turn from now on, last. */
void coh_rotation_add(
    struct coh_rotation *rotation, struct coh_handoff_peer *peer);

/* The worker dies, drains or is stuck: what it has not taken is offered to the
   others. It may be added again later. Fine for one that takes no part. */
void coh_rotation_remove(struct coh_handoff_peer *peer);

/* Its COH_FRAME_CREDIT has come. */
void coh_handoff_credit(struct coh_handoff_peer *peer);

/* Connections accepted but taken by nobody yet. */
unsigned coh_rotation_waiting(const struct coh_rotation *rotation);

/* --- the worker's side ---------------------------------------------------- */

enum coh_handoff_verdict {
    COH_HANDOFF_MINE,    /* serve it */
    COH_HANDOFF_NOT_MINE /* close the descriptor, without shutdown */
};

/* Decide over one offer. is_full: refuse it. */
enum coh_handoff_verdict coh_handoff_take(
    struct coh_handoff_words *words, const struct coh_frame_connection *offer,
    bool is_full);

/* A frame of offers came without its descriptors: refuse them. */
void coh_handoff_lost(
    struct coh_handoff_words *words, const struct coh_frame_connection *offers,
    size_t count);

#endif
