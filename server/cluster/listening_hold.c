/* A member that is held: it listens, but accepts nothing before the primary
   says so. Whoever serves there now gets what comes, and if our generation is
   dropped, nothing is lost with us. */
#include "server/cluster/listening.h"
#include "server/cluster/self.h"

/* Nobody else accepts from a socket of its own. */
static bool
is_held(const struct cohort_listening *listening)
{
    return listening->self->is_held && !listening->is_own;
}

void
coh_listening_accept(struct cohort_listening *listening)
{
    if (!is_held(listening)) {
        coh_intake_start(&listening->intake);
    }
}

void
coh_listenings_release(struct coh_cluster_self *self)
{
    struct cohort_listening *listening;

    TAILQ_FOREACH (listening, &self->listenings, link) {
        if (is_held(listening) && !listening->query.is_udp &&
            listening->state == COH_LISTENING_OPEN) {
            coh_intake_start(&listening->intake);
        }
    }
    self->is_held = false;
}
