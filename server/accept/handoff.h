/* Connections that the primary accepted and hands over to workers; each one
   has a word in shared memory that says whose it is. */
#ifndef COH_SERVER_ACCEPT_HANDOFF_H
#define COH_SERVER_ACCEPT_HANDOFF_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/channel/message.h"

/*
 * States of a word, and who moves it:
 *
 *   FREE, TAKEN, REFUSED, SKIPPED -> OFFERED   primary, with a new sequence
 *   OFFERED -> TAKEN    worker, before its first recv: it owns the connection
 *   OFFERED -> REFUSED  worker that is full: the primary offers it to another
 *   OFFERED -> REVOKED  primary: the worker died, drains, left the rotation, or
 *                       did not take it within 100 ms
 *   REVOKED -> SKIPPED  worker that finds it, and closes its descriptor
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

static inline uint64_t
coh_handoff_word(uint64_t sequence, enum coh_handoff_state state)
{
    return sequence << 8 | (uint64_t)state;
}

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
    /* Connections that a member of a cluster has accepted by itself so far;
       written by it alone. The primary counts those that it hands over. */
    _Atomic uint64_t accepted_count;
} __attribute__((aligned(64)));

/* Programs may have been built when the last one was not there. */
_Static_assert(
    sizeof(struct coh_handoff_words) == 192, "part of a protocol, frames.h");

/* The worker's side; the primary's is server/accept/rotation.h. */
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
