/* The hand-off, seen from the worker: one compare-and-swap decides whose a
   connection is. */
#include "server/accept/handoff.h"

/* Move a word from one state to the next, unless the primary was first or the
   word is about another connection by now. */
static bool
move(
    struct coh_handoff_words *words, const struct coh_frame_connection *offer,
    enum coh_handoff_state from, enum coh_handoff_state to)
{
    uint64_t before = coh_handoff_word(offer->sequence, from);

    return atomic_compare_exchange_strong(
        &words->words[offer->word], &before,
        coh_handoff_word(offer->sequence, to));
}

enum coh_handoff_verdict
coh_handoff_take(
    struct coh_handoff_words *words, const struct coh_frame_connection *offer,
    bool is_full)
{
    enum coh_handoff_state wish =
        is_full ? COH_HANDOFF_REFUSED : COH_HANDOFF_TAKEN;

    if (move(words, offer, COH_HANDOFF_OFFERED, wish)) {
        return is_full ? COH_HANDOFF_NOT_MINE : COH_HANDOFF_MINE;
    }
    move(words, offer, COH_HANDOFF_REVOKED, COH_HANDOFF_SKIPPED);
    return COH_HANDOFF_NOT_MINE;
}

void
coh_handoff_lost(
    struct coh_handoff_words *words, const struct coh_frame_connection *offers,
    size_t count)
{
    for (size_t i = 0; i < count; i++) {
        coh_handoff_take(words, &offers[i], true);
    }
}
