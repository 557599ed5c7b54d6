/* least_conn: the primary accepts, and the worker with the fewest open
   connections gets the next one; ties in turn. */
#include "server/accept/acceptor.h"
#include "server/accept/policy.h"
#include "server/accept/rotation.h"

/* What it has open, and what is on its way to it. */
static unsigned
load_of(const struct coh_handoff_peer *peer)
{
    unsigned load =
        atomic_load_explicit(&peer->words->open_count, memory_order_relaxed);

    for (unsigned i = 0; i < COH_HANDOFF_WINDOW; i++) {
        load += peer->offers[i] != NULL;
    }
    return load;
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

    while (peer != NULL) {
        if (coh_handoff_has_credit(peer)) {
            unsigned load = load_of(peer);

            if (best == NULL || load < best_load) {
                best = peer;
                best_load = load;
            }
        }
        peer = TAILQ_NEXT(peer, link);
        if (peer == NULL) {
            peer = TAILQ_FIRST(&rotation->peers);
        }
        if (peer == start) {
            break;
        }
    }
    return best;
}

const struct coh_policy coh_policy_least_conn = {
    .id = COHORT_POLICY_LEAST_CONN,
    .name = "least_conn",
    .start = coh_primary_accept_start,
    .stop = coh_primary_accept_stop,
    .resume = coh_primary_accept_resume,
    .choose = least_conn_choose,
};
