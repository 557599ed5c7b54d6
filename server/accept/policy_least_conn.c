/* least_conn: the primary accepts, and the worker with the fewest open
   connections gets the next one; ties in turn. */
#include "server/accept/acceptor.h"
#include "server/accept/policy.h"
#include "server/accept/rotation.h"

/* What it has open, and what it has not yet taken of what is on its way: taken
   ones it counts itself, long before we look at their words again. */
static unsigned
load_of(const struct coh_handoff_peer *peer)
{
    unsigned load =
        atomic_load_explicit(&peer->words->open_count, memory_order_relaxed);

    for (unsigned i = 0; i < COH_HANDOFF_WINDOW; i++) {
        if (peer->offers[i] != NULL) {
            uint64_t word = atomic_load_explicit(
                &peer->words->words[i], memory_order_relaxed);

            load += word ==
                coh_handoff_word(peer->sequences[i], COH_HANDOFF_OFFERED);
        }
    }
    return load;
}

/* Who could have it now, or in a moment: whoever has the least is waited for
   unless it is late, as in round_robin, or a burst would go to those that the
   system lets run first. */
static bool
takes_part(const struct coh_handoff_peer *peer)
{
    return coh_handoff_has_credit(peer) || !coh_handoff_is_late(peer);
}

static struct coh_handoff_peer *
next_of(const struct coh_rotation *rotation, struct coh_handoff_peer *peer)
{
    struct coh_handoff_peer *next = TAILQ_NEXT(peer, link);

    return next != NULL ? next : TAILQ_FIRST(&rotation->peers);
}

/* Round robin among those with the least, which starts behind the one that was
   chosen last. */
static struct coh_handoff_peer *
least_conn_choose(struct coh_rotation *rotation)
{
    struct coh_handoff_peer *start =
        rotation->next != NULL ? rotation->next : TAILQ_FIRST(&rotation->peers);
    struct coh_handoff_peer *peer = start;
    struct coh_handoff_peer *best = NULL;
    unsigned best_load = 0;

    if (start == NULL) {
        return NULL;
    }
    do {
        unsigned load = load_of(peer);

        if ((best == NULL || load < best_load) && takes_part(peer)) {
            best = peer;
            best_load = load;
        }
        peer = next_of(rotation, peer);
    } while (peer != start);
    return best != NULL && coh_handoff_has_credit(best) ? best : NULL;
}

const struct coh_policy coh_policy_least_conn = {
    .id = COHORT_POLICY_LEAST_CONN,
    .name = "least_conn",
    .start = coh_primary_accept_start,
    .stop = coh_primary_accept_stop,
    .resume = coh_primary_accept_resume,
    .choose = least_conn_choose,
};
