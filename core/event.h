/* libevent's loop with what we had to teach it: the cached time, the wheel of
   deadlines, and listeners that wake one process at a time. */
#ifndef COH_CORE_EVENT_H
#define COH_CORE_EVENT_H

#include <event2/event.h>
#include <event2/event_struct.h>

#include "core/clock.h"
#include "core/timer.h"

/* One per process. Made after fork; never shared with a child. */
struct coh_loop {
    struct event_base *base;
    int epoll_fd; /* libevent's own; -1 if it could not be found */
    struct coh_clock clock;
    struct coh_wheel wheel;
    struct event tick; /* moves the wheel while it holds something */
};

/* Flags: NOLOCK, no PRECISE_TIMER, one priority. on_due gets the wheel's
   deadlines; NULL if none will be set. 0 or -errno. */
int coh_loop_init(
    struct coh_loop *loop, void (*on_due)(struct coh_deadline *deadline));
void coh_loop_fini(struct coh_loop *loop);

/* Run until coh_loop_stop. 0, or -errno if the kernel refuses to wait. */
int coh_loop_run(struct coh_loop *loop);
void coh_loop_stop(struct coh_loop *loop);

/* In a child that inherited a loop and wants only to give it back without
   touching the parent's events. */
void coh_loop_abandon(struct coh_loop *loop);

/* Take over libevent's cached time into loop->clock: no clock call inside a
   callback. Call it first in every callback that needs the time. */
void coh_loop_update(struct coh_loop *loop);

static inline uint64_t
coh_loop_now_ms(const struct coh_loop *loop)
{
    return loop->clock.now_ms;
}

/*
 * A listener that several processes wait on: registered EPOLLEXCLUSIVE, so that
 * one of them is woken. event is assigned for EV_READ | EV_PERSIST. Falls back
 * to plain waiting where libevent's descriptor is unknown. 0 or -errno.
 */
int coh_event_add_exclusive(struct coh_loop *loop, struct event *event);

/* Stand behind the others again; after each accept (exactly even spread). */
void coh_event_requeue_exclusive(struct coh_loop *loop, struct event *event);

#endif
