/* round_robin: the primary accepts, and workers get connections in turn. */
#include "server/accept/acceptor.h"
#include "server/accept/policy.h"
#include "server/accept/rotation.h"

/* Whose turn it is, and who has not yet had the time to take what it was
   offered, is waited for: passing over whoever the system lets run a little
   later would give a burst to one worker. Who is late is passed over. */
struct coh_handoff_peer *
coh_round_robin_choose(struct coh_rotation *rotation)
{
    struct coh_handoff_peer *first =
        rotation->next != NULL ? rotation->next : TAILQ_FIRST(&rotation->peers);
    struct coh_handoff_peer *peer = first;

    while (peer != NULL) {
        if (coh_handoff_has_credit(peer)) {
            return peer;
        }
        if (!coh_handoff_is_late(peer)) {
            return NULL;
        }
        peer = TAILQ_NEXT(peer, link);
        if (peer == NULL) {
            peer = TAILQ_FIRST(&rotation->peers);
        }
        if (peer == first) {
            break;
        }
    }
    return NULL;
}

const struct coh_policy coh_policy_round_robin = {
    .id = COHORT_POLICY_ROUND_ROBIN,
    .name = "round_robin",
    .start = coh_primary_accept_start,
    .stop = coh_primary_accept_stop,
    .resume = coh_primary_accept_resume,
    .choose = coh_round_robin_choose,
};
