/* A callback at short intervals. */
#include "core/interval.h"

#include <errno.h>
#include <event2/event.h>
#include <stdint.h>
#include <sys/timerfd.h>
#include <unistd.h>

static void
on_expired(evutil_socket_t fd, short what, void *user)
{
    struct coh_interval *interval = user;
    uint64_t count;

    (void)what;
    if (read(fd, &count, sizeof(count)) == (ssize_t)sizeof(count)) {
        interval->on_tick(interval->user);
    }
}

static int
arm(int fd, unsigned every_us)
{
    const struct timespec every = {.tv_nsec = (long)every_us * 1000};
    const struct itimerspec when = {.it_interval = every, .it_value = every};

    return timerfd_settime(fd, 0, &when, NULL) < 0 ? -errno : 0;
}

int
coh_interval_start(
    struct coh_interval *interval, struct event_base *base, unsigned every_us,
    void (*on_tick)(void *user), void *user)
{
    int result;

    coh_interval_stop(interval);
    interval->on_tick = on_tick;
    interval->user = user;
    interval->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (interval->fd < 0) {
        return -errno;
    }
    event_assign(
        &interval->event, base, interval->fd, EV_READ | EV_PERSIST, on_expired,
        interval);
    result = arm(interval->fd, every_us);
    errno = ENOMEM; /* where libevent does not say */
    if (result == 0 && event_add(&interval->event, NULL) < 0) {
        result = -errno;
    }
    if (result < 0) {
        close(interval->fd);
        interval->fd = -1;
    }
    return result;
}

void
coh_interval_stop(struct coh_interval *interval)
{
    if (interval->fd >= 0) {
        event_del(&interval->event);
        close(interval->fd);
        interval->fd = -1;
    }
}

void
coh_interval_forget(struct coh_interval *interval)
{
    if (interval->fd >= 0) {
        close(interval->fd);
        interval->fd = -1;
    }
}
