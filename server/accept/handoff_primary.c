/* The hand-off, seen from the primary: the credit of one worker, what it was
   offered, and what became of it. */
#include <strings.h>

#include <cohort/log.h>

#include "core/event.h"
#include "server/accept/rotation.h"
#include "server/channel/channel.h"

#define ALL_WORDS ((1U << COH_HANDOFF_WINDOW) - 1)

void
coh_handoff_peer_init(
    struct coh_handoff_peer *peer, struct coh_handoff_words *words,
    struct coh_channel *channel)
{
    *peer = (struct coh_handoff_peer){.words = words, .channel = channel};
    atomic_store(&words->want, 0);
    atomic_store(&words->open_count, 0);
    for (unsigned i = 0; i < COH_HANDOFF_WINDOW; i++) {
        atomic_store(&words->words[i], coh_handoff_word(0, COH_HANDOFF_FREE));
    }
}

bool
coh_handoff_has_credit(const struct coh_handoff_peer *peer)
{
    return peer->busy != ALL_WORDS && !peer->is_stalled && !peer->is_full &&
        !peer->is_blocked;
}

bool
coh_handoff_is_late(const struct coh_handoff_peer *peer)
{
    uint64_t now_ms = coh_loop_now_ms(peer->rotation->loop);

    if (peer->is_stalled || peer->is_full || peer->is_blocked ||
        peer->send != NULL) {
        return true;
    }
    for (unsigned i = 0; i < COH_HANDOFF_WINDOW; i++) {
        const struct coh_offer *offer = peer->offers[i];

        if (offer != NULL && now_ms - offer->at_ms >= COH_HANDOFF_SETTLE_MS) {
            return true;
        }
    }
    return false;
}

unsigned
coh_handoff_credit_count(const struct coh_handoff_peer *peer)
{
    unsigned credit = 0;

    if (!coh_handoff_has_credit(peer)) {
        return 0;
    }
    for (uint32_t left = ALL_WORDS & ~peer->busy; left != 0; left &= left - 1) {
        credit++;
    }
    return credit;
}

/* Put it into the batch of a worker that has credit. */
void
coh_handoff_offer(struct coh_handoff_peer *peer, struct coh_offer *offer)
{
    unsigned word = (unsigned)ffs((int)(ALL_WORDS & ~peer->busy)) - 1;
    uint64_t sequence = ++peer->sequences[word];

    offer->at_ms = coh_loop_now_ms(peer->rotation->loop);
    peer->offered_ms[word] = offer->at_ms;
    peer->offers[word] = offer;
    peer->busy |= 1U << word;
    peer->batch[peer->batch_count] = (struct coh_frame_connection){
        .listener = offer->index,
        .word = word,
        .sequence = sequence,
    };
    peer->batch_fds[peer->batch_count] = offer->fd;
    peer->batch_count++;
    peer->rotation->offered_count++;
    atomic_store(
        &peer->words->words[word],
        coh_handoff_word(sequence, COH_HANDOFF_OFFERED));
}

/* It is not on its way to this worker any more. */
static struct coh_offer *
take_back(struct coh_handoff_peer *peer, unsigned word)
{
    struct coh_offer *offer = peer->offers[word];

    peer->offers[word] = NULL;
    peer->rotation->offered_count--;
    return offer;
}

/* The worker has not taken it and will not: true if we were first to say so. */
static bool
revoke_word(struct coh_handoff_peer *peer, unsigned word)
{
    uint64_t offered =
        coh_handoff_word(peer->sequences[word], COH_HANDOFF_OFFERED);

    return atomic_compare_exchange_strong(
        &peer->words->words[word], &offered,
        coh_handoff_word(peer->sequences[word], COH_HANDOFF_REVOKED));
}

/*
 * What became of one busy word. A worker may write anything there; beyond what
 * the rules allow, it can only lose its own credit or refuse.
 */
static void
look_at_word(struct coh_handoff_peer *peer, unsigned word, uint64_t now_ms)
{
    uint64_t sequence = peer->sequences[word];
    uint64_t value = atomic_load(&peer->words->words[word]);
    struct coh_offer *offer = peer->offers[word];

    if (offer == NULL) {
        if (value != coh_handoff_word(sequence, COH_HANDOFF_SKIPPED)) {
            return; /* revoked, and its descriptor is still under way */
        }
    } else if (value == coh_handoff_word(sequence, COH_HANDOFF_OFFERED)) {
        if (peer->send == NULL &&
            now_ms - offer->at_ms >= COH_HANDOFF_REVOKE_MS &&
            revoke_word(peer, word)) {
            peer->is_stalled = true;
            coh_rotation_pend(peer->rotation, take_back(peer, word));
        }
        return; /* if it was taken in this moment, the next look finds it */
    } else if (value == coh_handoff_word(sequence, COH_HANDOFF_TAKEN)) {
        peer->taken_count++;
        coh_rotation_forget(peer->rotation, take_back(peer, word));
    } else {
        peer->is_full = true;
        coh_rotation_pend(peer->rotation, take_back(peer, word));
    }
    peer->busy &= ~(1U << word);
    peer->is_stalled = false;
}

/* Somebody else is to have it, unless that seems to be deadly. */
static void
end_offer(struct coh_handoff_peer *peer, struct coh_offer *offer)
{
    if (peer->send != NULL && ++offer->death_count > COH_HANDOFF_DEATHS_MAX) {
        cohort_error(
            peer->rotation->log,
            "closing a connection: %u workers died before they took it",
            offer->death_count);
        if (peer->rotation->on_dropped != NULL) {
            peer->rotation->on_dropped(peer->rotation, 1, true);
        }
        coh_rotation_forget(peer->rotation, offer);
        return;
    }
    coh_rotation_pend(peer->rotation, offer);
}

/* The same, once and for all: it takes no part any more. */
static void
end_word(struct coh_handoff_peer *peer, unsigned word)
{
    struct coh_rotation *rotation = peer->rotation;
    uint64_t taken = coh_handoff_word(peer->sequences[word], COH_HANDOFF_TAKEN);

    if (peer->offers[word] == NULL) {
        return;
    }
    if (revoke_word(peer, word)) {
        end_offer(peer, take_back(peer, word));
        return; /* busy until it is skipped */
    }
    peer->busy &= ~(1U << word);
    if (atomic_load(&peer->words->words[word]) == taken) {
        peer->taken_count++;
        coh_rotation_forget(rotation, take_back(peer, word));
    } else {
        coh_rotation_pend(rotation, take_back(peer, word));
    }
}

void
coh_handoff_look(struct coh_handoff_peer *peer, uint64_t now_ms)
{
    for (uint32_t left = peer->busy; left != 0; left &= left - 1) {
        look_at_word(peer, (unsigned)ffs((int)left) - 1, now_ms);
    }
}

uint64_t
coh_handoff_ignored_since(struct coh_handoff_peer *peer, uint64_t now_ms)
{
    uint64_t since = 0;

    coh_handoff_look(peer, now_ms);
    for (uint32_t left = peer->busy; left != 0; left &= left - 1) {
        uint64_t at_ms = peer->offered_ms[ffs((int)left) - 1];

        since = since == 0 || at_ms < since ? at_ms : since;
    }
    return since;
}

void
coh_handoff_end(struct coh_handoff_peer *peer)
{
    for (unsigned word = 0; word < COH_HANDOFF_WINDOW; word++) {
        end_word(peer, word);
    }
}

/* The worker's socket takes nothing now: nobody has seen these. */
static void
withdraw_batch(struct coh_handoff_peer *peer)
{
    for (unsigned i = 0; i < peer->batch_count; i++) {
        unsigned word = peer->batch[i].word;

        atomic_store(
            &peer->words->words[word],
            coh_handoff_word(peer->sequences[word], COH_HANDOFF_FREE));
        peer->busy &= ~(1U << word);
        coh_rotation_pend(peer->rotation, take_back(peer, word));
    }
    peer->is_blocked = true;
}

bool
coh_handoff_send(struct coh_handoff_peer *peer)
{
    int result = peer->send != NULL
        ? peer->send(peer)
        : coh_channel_send_now(
              peer->channel, COH_FRAME_CONNECTIONS, peer->batch,
              peer->batch_count * sizeof(peer->batch[0]), peer->batch_fds,
              peer->batch_count);

    if (result < 0) {
        withdraw_batch(peer);
    }
    peer->batch_count = 0;
    return result == 0;
}
