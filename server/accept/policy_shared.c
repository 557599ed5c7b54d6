/* shared: all workers wait on one socket; the kernel wakes one of them, which
   accepts one connection and stands behind the others again. */
#include <errno.h>
#include <sched.h>

#include "core/event.h"
#include "server/accept/intake.h"
#include "server/accept/policy.h"

/* So many turns in a row at most. */
#define OWED_MAX 16

/* Accepts within one tick of the clock, none of them closed again, after which
   others are let forward. */
#define STREAK_MAX 2

/* Stand behind the others, unless we were woken for a connection that another
   one took: then the next one is ours, too. */
static void
requeue(struct coh_intake_listener *listener)
{
    struct coh_intake *intake = listener->intake;

    if (listener->owed_count > 0) {
        listener->owed_count--;
    } else if (
        coh_event_requeue_exclusive(intake->loop, &listener->event) < 0) {
        coh_intake_pause(intake);
    }
}

/*
 * A burst of connections that stay: the others were woken for them, too, but
 * whoever runs already would take all of them. (Those that are served and
 * closed at once leave the count as it was, and cost no call here.)
 */
static void
let_others_forward(struct coh_intake_listener *listener)
{
    struct coh_intake *intake = listener->intake;
    unsigned open_count = coh_intake_open_count(intake);
    uint64_t now_ms;

    coh_loop_update(intake->loop);
    now_ms = coh_loop_now_ms(intake->loop);
    if (now_ms != listener->last_ms || open_count <= listener->last_count) {
        listener->streak = 0;
    } else if (++listener->streak >= STREAK_MAX) {
        sched_yield();
    }
    listener->last_ms = now_ms;
    listener->last_count = open_count;
}

static void
on_acceptable(evutil_socket_t fd, short what, void *user)
{
    struct coh_intake_listener *listener = user;
    int client;

    (void)fd;
    (void)what;
    if (!listener->is_alone) {
        let_others_forward(listener);
    }
    client = coh_intake_accept(listener);
    if (client < 0) {
        listener->owed_count += listener->owed_count < OWED_MAX;
        return;
    }
    /* Before it is served: meanwhile the others are to be woken. */
    if (!listener->is_alone && listener->is_accepting) {
        requeue(listener);
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
