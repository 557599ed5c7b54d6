/* shared: all workers wait on one socket; the kernel wakes one of them, which
   accepts one connection and stands behind the others again. */
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
    if (client < 0) {
        return;
    }
    /* Before it is served: meanwhile the others are to be woken. */
    if (!listener->is_alone && listener->is_accepting &&
        coh_event_requeue_exclusive(listener->intake->loop, &listener->event) <
            0) {
        coh_intake_pause(listener->intake);
    }
    coh_intake_serve(listener, client);
}

static int
shared_start(struct coh_intake_listener *listener)
{
    struct coh_loop *loop = listener->intake->loop;

    event_assign(
        &listener->event, loop->base, listener->fd, EV_READ | EV_PERSIST,
        on_acceptable, listener);
    if (listener->is_alone) {
        return event_add(&listener->event, NULL) < 0 ? -ENOMEM : 0;
    }
    return coh_event_add_exclusive(loop, &listener->event);
}

static void
shared_stop(struct coh_intake_listener *listener)
{
    event_del(&listener->event);
}

const struct coh_policy coh_policy_shared = {
    .id = COHORT_POLICY_SHARED,
    .name = "shared",
    .choose = coh_round_robin_choose,
    .worker_start = shared_start,
    .worker_stop = shared_stop,
};
