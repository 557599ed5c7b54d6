/* A callback at short intervals. */
#ifndef COH_CORE_INTERVAL_H
#define COH_CORE_INTERVAL_H

#include <event2/event_struct.h>
#include <stdbool.h>

/*
 * libevent waits in whole milliseconds, and reads a clock that moves in steps
 * of several; this is a timerfd in its loop, for what has to be finer. It costs
 * a wake-up and a read each time, so stop it when it is not needed.
 *
 * All zero but fd = -1 is a stopped one (COH_INTERVAL_INIT).
 */
struct coh_interval {
    int fd; /* -1 while stopped */
    struct event event;
    void (*on_tick)(void *user);
    void *user;
};

#define COH_INTERVAL_INIT                                                      \
    {                                                                          \
        .fd = -1                                                               \
    }

/* Call on_tick each so many microseconds (>= 1, < 1 s) from the loop of base,
   from one interval from now on; ticks that could not be kept are one. 0 or
   -errno, and then it is stopped. */
int coh_interval_start(
    struct coh_interval *interval, struct event_base *base, unsigned every_us,
    void (*on_tick)(void *user), void *user);

/* Fine for a stopped one, and in on_tick. */
void coh_interval_stop(struct coh_interval *interval);

/* In a forked child: close the descriptor, nothing else. Fine for a stopped
   one. */
void coh_interval_forget(struct coh_interval *interval);

static inline bool
coh_interval_is_running(const struct coh_interval *interval)
{
    return interval->fd >= 0;
}

#endif
