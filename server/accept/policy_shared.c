/* shared: all workers wait on one socket; the kernel wakes one of them, which
   accepts one connection and stands behind the others again.

   That alone gives exact turns as long as whoever is woken runs at once. When
   many connections come together, or the cores are busy, a worker wakes up
   while connections are there that others were woken for, who have not got a
   core yet; whoever runs accepts again and again, and of 100 connections 80 to
   95 end up with one worker: for good, if they stay. So a worker that has
   taken more than another one lets it go first:

   - It yields, which is enough when the other one runs already or waits for
     the same core, and then leaves the socket alone a millisecond at a time:
     only a worker that sleeps gives its core to one that waits for another.
     Meanwhile it serves its connections.
   - It waits 20 ms at most, and for one that did not move all the while not
     again until it does (turns.h): who is stuck costs that once, not each time.
   - Only connections that stay count, that is, those still open when the next
     one is accepted. Where they come and go nobody is ahead for long, and
     whoever waits for somebody else's turn may be the only one who could serve:
     four workers on one core served 0.4 x as many as without waiting. So as
     soon as half as many close as come, nobody is waited for. */
#include <errno.h>
#include <limits.h>
#include <sched.h>

#include "core/clock.h"
#include "core/event.h"
#include "server/accept/intake.h"
#include "server/accept/policy.h"

/* Yield so long before standing aside. */
#define YIELD_US 200

#define ASIDE_US 1000 /* the loop waits for no less */

/* Of last_count: nothing has been accepted yet. */
#define NO_COUNT UINT_MAX

/* --- who is next ---------------------------------------------------------- */

/*
 * Has the last connection stayed? If we took it for the other kind, its turn
 * is put right.
 *
 * Returns  Whether our count was right: whether it can be compared.
 */
static bool
settle_last(struct coh_intake_listener *listener)
{
    struct coh_turns *turns = listener->intake->turns;
    bool was_counted = listener->is_counted;

    if (listener->last_count == NO_COUNT) {
        listener->is_lasting = true; /* the first: it will turn out */
        return true;
    }
    listener->is_lasting =
        coh_intake_open_count(listener->intake) > listener->last_count;
    listener->is_counted = listener->is_lasting;
    if (listener->is_lasting && !was_counted) {
        coh_turns_count(turns);
    } else if (!listener->is_lasting && was_counted) {
        coh_turns_discount(turns);
    }
    return was_counted && listener->is_lasting;
}

static void
step_aside(struct coh_intake_listener *listener)
{
    const struct timeval delay = {.tv_usec = ASIDE_US};

    event_del(&listener->event);
    if (evtimer_add(&listener->aside, &delay) < 0) {
        coh_intake_pause(listener->intake);
    }
}

static void
on_return(evutil_socket_t fd, short what, void *user)
{
    struct coh_intake_listener *listener = user;
    struct coh_intake *intake = listener->intake;

    (void)fd;
    (void)what;
    if (coh_event_add_exclusive(intake->loop, &listener->event) < 0) {
        coh_intake_pause(intake);
    }
}

/* The connection is somebody else's, or will be ours a little later. */
static bool
lets_others_go_first(struct coh_intake_listener *listener)
{
    const struct coh_intake *intake = listener->intake;
    struct coh_turns *turns = intake->turns;
    uint64_t now_us;

    if (turns == NULL || !settle_last(listener) ||
        coh_churn_is_high(&intake->churn)) {
        return false;
    }
    now_us = coh_monotonic_us();
    if (!coh_turns_must_wait(turns, now_us)) {
        return false;
    }
    if (coh_turns_waited_us(turns, now_us) < YIELD_US) {
        sched_yield();
    } else {
        step_aside(listener);
    }
    return true;
}

/* Stand behind the others, if there are any, unless they have taken turns of
   ours: then the next one is ours, too. */
static void
requeue(struct coh_intake_listener *listener)
{
    struct coh_intake *intake = listener->intake;

    if (intake->turns != NULL && !coh_turns_has_others(intake->turns)) {
        return;
    }
    if (listener->is_counted && coh_turns_is_behind(intake->turns)) {
        return;
    }
    if (coh_event_requeue_exclusive(intake->loop, &listener->event) < 0) {
        coh_intake_pause(intake);
    }
}

static void
take_turn(struct coh_intake_listener *listener)
{
    struct coh_intake *intake = listener->intake;

    if (intake->turns != NULL) {
        unsigned open = coh_intake_open_count(intake);

        coh_churn_count(&intake->churn, open, coh_loop_now_ms(intake->loop));
        listener->last_count = open;
        listener->is_counted = listener->is_lasting;
        if (listener->is_counted) {
            coh_turns_count(intake->turns);
        }
    }
    if (listener->is_accepting) {
        requeue(listener);
    }
}

/* --- hooks ---------------------------------------------------------------- */

static void
on_acceptable(evutil_socket_t fd, short what, void *user)
{
    struct coh_intake_listener *listener = user;
    int client;

    (void)fd;
    (void)what;
    if (!listener->is_alone && lets_others_go_first(listener)) {
        return;
    }
    client = coh_intake_accept(listener);
    if (client < 0) {
        return;
    }
    /* Before it is served: meanwhile the others are to be woken. */
    if (!listener->is_alone) {
        take_turn(listener);
    }
    coh_intake_serve(listener, client);
}

static int
start_among_others(struct coh_intake_listener *listener)
{
    struct coh_intake *intake = listener->intake;
    int result = coh_event_add_exclusive(intake->loop, &listener->event);

    if (result < 0) {
        return result;
    }
    if (intake->turns != NULL) {
        coh_turns_join(intake->turns);
    }
    return 0;
}

static int
shared_start(struct coh_intake_listener *listener)
{
    struct coh_loop *loop = listener->intake->loop;

    event_assign(
        &listener->event, loop->base, listener->fd, EV_READ | EV_PERSIST,
        on_acceptable, listener);
    evtimer_assign(&listener->aside, loop->base, on_return, listener);
    listener->last_count = NO_COUNT;
    listener->is_counted = false;
    if (listener->is_alone) {
        return event_add(&listener->event, NULL) < 0 ? -ENOMEM : 0;
    }
    return start_among_others(listener);
}

static void
shared_stop(struct coh_intake_listener *listener)
{
    event_del(&listener->event);
    event_del(&listener->aside);
    if (listener->intake->turns != NULL) {
        coh_turns_leave(listener->intake->turns);
    }
}

const struct coh_policy coh_policy_shared = {
    .id = COHORT_POLICY_SHARED,
    .name = "shared",
    .choose = coh_round_robin_choose,
    .worker_start = shared_start,
    .worker_stop = shared_stop,
};
