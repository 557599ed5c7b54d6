/* libevent's loop with what we had to teach it: the cached time, the wheel of
   deadlines, and listeners that wake one process at a time. */
#ifndef COH_CORE_EVENT_H
#define COH_CORE_EVENT_H

#include <stdatomic.h>
#include <stdbool.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "core/clock.h"
#include "core/timer.h"

struct cohort_log;

/* One per process. Made after fork; never shared with a child. */
struct coh_loop {
    struct event_base *base;
    int epoll_fd; /* libevent's own; -1 if it could not be found */
    bool is_stopping;
    bool is_time_old; /* the clock has not been set in this turn */
    bool is_running;  /* by coh_loop_run; else turns are not known */
    bool is_adopted;  /* the base is somebody else's */
    /* The clock's now_ms of the turn that runs, from the first callback in it
       that asks for the time; 0 while the loop waits, and where turns are not
       known. For a watchdog in another process, to be pointed into shared
       memory; at first into the loop. */
    _Atomic uint64_t *busy_since;
    _Atomic uint64_t own_busy_since;
    struct coh_clock clock;
    struct coh_wheel wheel;
    struct event tick; /* moves the wheel while it holds something */
};

/* Flags: NOLOCK, no PRECISE_TIMER, one priority. on_due gets the wheel's
   deadlines; NULL if none will be set. 0 or -errno. */
int coh_loop_init(
    struct coh_loop *loop, void (*on_due)(struct coh_deadline *deadline));
void coh_loop_fini(struct coh_loop *loop);

/* The same on a base that somebody else made, runs and frees: coh_loop_run and
   coh_loop_stop are not for it, listeners are never exclusive, and the time is
   looked up whenever it is asked for. */
void coh_loop_adopt(
    struct coh_loop *loop, struct event_base *base,
    void (*on_due)(struct coh_deadline *deadline));

/* Run turn by turn (one wait, then the callbacks of all that is ready) until
   coh_loop_stop. 0, or -errno if the kernel refuses to wait. */
int coh_loop_run(struct coh_loop *loop);

/* From a callback: the others of this turn are called at the next run. */
void coh_loop_stop(struct coh_loop *loop);

/* In a child that inherited a loop and wants only to give it back without
   touching the parent's events. Before it closes the descriptors that were
   waited for. */
void coh_loop_abandon(struct coh_loop *loop);

/* The slow half of coh_loop_update. */
void coh_loop_read_time(struct coh_loop *loop);

/*
 * Set loop->clock to the time of this turn. Call it first in every callback
 * that needs the time: the first one in a turn takes over what libevent has
 * cached (measured: 54 instructions, and a clock call when the kernel's coarse
 * clock has ticked), the others look at a flag.
 */
static inline void
coh_loop_update(struct coh_loop *loop)
{
    if (loop->is_time_old) {
        coh_loop_read_time(loop);
    }
}

/* Where libevent's own complaints go, for the whole process; NULL (as at
   start): to standard error. log must outlive the loop. */
void coh_loop_log(struct cohort_log *log);

static inline uint64_t
coh_loop_now_ms(const struct coh_loop *loop)
{
    return loop->clock.now_ms;
}

/* event_add with a delay in milliseconds. 0 or -1. */
static inline int
coh_event_add_ms(struct event *event, uint64_t delay_ms)
{
    const struct timeval delay = {
        .tv_sec = (time_t)(delay_ms / 1000),
        .tv_usec = (suseconds_t)(delay_ms % 1000 * 1000),
    };

    return event_add(event, &delay);
}

/*
 * A listener that several processes wait on: registered EPOLLEXCLUSIVE, so that
 * one of them is woken. event is assigned for EV_READ | EV_PERSIST. Falls back
 * to plain waiting where libevent's descriptor is unknown. 0 or -errno.
 */
int coh_event_add_exclusive(struct coh_loop *loop, struct event *event);

/* Stand behind the others again; after each accept (exactly even spread). 0, or
   -errno when the kernel has no room: the event is not waited for then. */
int coh_event_requeue_exclusive(struct coh_loop *loop, struct event *event);

#endif
