/* reuseport: each worker has a socket of its own, and the kernel spreads
   connections over them. */
#include <errno.h>

#include "core/event.h"
#include "server/accept/intake.h"
#include "server/accept/policy.h"

static void
on_acceptable(evutil_socket_t fd, short what, void *user)
{
    struct coh_intake_listener *listener = user;
    int client = coh_intake_accept(listener);

    (void)fd;
    (void)what;
    if (client >= 0) {
        coh_intake_serve(listener, client);
    }
}

static int
reuseport_start(struct coh_intake_listener *listener)
{
    event_assign(
        &listener->event, listener->intake->loop->base, listener->fd,
        EV_READ | EV_PERSIST, on_acceptable, listener);
    return event_add(&listener->event, NULL) < 0 ? -ENOMEM : 0;
}

static void
reuseport_stop(struct coh_intake_listener *listener)
{
    event_del(&listener->event);
}

const struct coh_policy coh_policy_reuseport = {
    .id = COHORT_POLICY_REUSEPORT,
    .name = "reuseport",
    .is_per_place = true,
    .choose = coh_round_robin_choose,
    .worker_start = reuseport_start,
    .worker_stop = reuseport_stop,
};
