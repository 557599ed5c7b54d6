/* libevent's loop with what we had to teach it: the cached time, the wheel of
   deadlines, and listeners that wake one process at a time. */
#include "core/event.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cohort/log.h>

/* libevent has no getter for its epoll descriptor, which is the first that it
   opens: it gets the lowest free number. */
static int
next_descriptor(void)
{
    int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);

    if (fd >= 0) {
        close(fd);
    }
    return fd;
}

static bool
is_epoll(int fd)
{
    static const char wanted[] = "anon_inode:[eventpoll]";
    char path[sizeof("/proc/self/fd/") + 11];
    char link[sizeof(wanted)];
    ssize_t size;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    size = readlink(path, link, sizeof(link));
    return size == sizeof(wanted) - 1 &&
        memcmp(link, wanted, sizeof(wanted) - 1) == 0;
}

/* The environment must not choose how we wait; one thread needs no locks. */
static struct event_base *
base_new(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;

    if (config != NULL) {
        event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
        event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV);
        base = event_base_new_with_config(config);
        event_config_free(config);
    }
    return base;
}

/* At the end of the slot, so that a deadline is at most one slot late. */
static void
schedule_tick(struct coh_loop *loop)
{
    uint64_t now_ms = coh_loop_now_ms(loop);
    uint64_t wait_ms = COH_WHEEL_SLOT_MS - now_ms % COH_WHEEL_SLOT_MS;
    struct timeval wait = {.tv_usec = (suseconds_t)wait_ms * 1000};

    evtimer_add(&loop->tick, &wait);
}

static void
on_first_deadline(struct coh_wheel *wheel, void *user)
{
    (void)wheel;
    schedule_tick(user);
}

static void
on_tick(evutil_socket_t fd, short what, void *user)
{
    struct coh_loop *loop = user;

    (void)fd;
    (void)what;
    coh_loop_update(loop);
    if (coh_wheel_tick(&loop->wheel, coh_loop_now_ms(loop))) {
        schedule_tick(loop);
    }
}

static void
set_busy_since(struct coh_loop *loop, uint64_t now_ms)
{
    atomic_store_explicit(loop->busy_since, now_ms, memory_order_relaxed);
}

static void
init_time(struct coh_loop *loop, void (*on_due)(struct coh_deadline *deadline))
{
    loop->is_time_old = true;
    loop->busy_since = &loop->own_busy_since;
    coh_clock_init(&loop->clock);
    coh_wheel_init(
        &loop->wheel, coh_loop_now_ms(loop), on_due, on_first_deadline, loop);
    evtimer_assign(&loop->tick, loop->base, on_tick, loop);
}

int
coh_loop_init(
    struct coh_loop *loop, void (*on_due)(struct coh_deadline *deadline))
{
    memset(loop, 0, sizeof(*loop));
    loop->epoll_fd = next_descriptor();
    errno = 0;
    loop->base = base_new();
    if (loop->base == NULL) {
        return errno != 0 ? -errno : -ENOMEM;
    }
    if (loop->epoll_fd >= 0 && !is_epoll(loop->epoll_fd)) {
        loop->epoll_fd = -1;
    }
    init_time(loop, on_due);
    return 0;
}

void
coh_loop_adopt(
    struct coh_loop *loop, struct event_base *base,
    void (*on_due)(struct coh_deadline *deadline))
{
    memset(loop, 0, sizeof(*loop));
    loop->epoll_fd = -1;
    loop->base = base;
    loop->is_adopted = true;
    init_time(loop, on_due);
}

void
coh_loop_fini(struct coh_loop *loop)
{
    if (loop->base != NULL) {
        event_del(&loop->tick);
        if (!loop->is_adopted) {
            event_base_free(loop->base);
        }
        loop->base = NULL;
    }
}

/* Turn by turn, so that the time is taken over once for all callbacks of a
   turn: cheaper than in each callback as soon as there are two of them. */
int
coh_loop_run(struct coh_loop *loop)
{
    int result = 0;

    loop->is_stopping = false;
    loop->is_running = true;
    while (!loop->is_stopping && result >= 0) {
        loop->is_time_old = true;
        set_busy_since(loop, 0);
        errno = 0;
        result =
            event_base_loop(loop->base, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY);
    }
    loop->is_time_old = true;
    loop->is_running = false;
    set_busy_since(loop, 0);
    if (result < 0) {
        return errno != 0 ? -errno : -EIO;
    }
    return 0;
}

void
coh_loop_stop(struct coh_loop *loop)
{
    loop->is_stopping = true;
    event_base_loopbreak(loop->base);
}

void
coh_loop_abandon(struct coh_loop *loop)
{
    /* An epoll set of its own first: taking events out of the inherited one
       would take them out of the parent's. */
    if (loop->base != NULL) {
        event_reinit(loop->base);
        coh_loop_fini(loop);
    }
}

void
coh_loop_read_time(struct coh_loop *loop)
{
    struct timeval wall;

    loop->is_time_old = !loop->is_running;
    event_base_gettimeofday_cached(loop->base, &wall);
    /* The same tick of the kernel's coarse clock as last time, often. */
    if (wall.tv_usec != loop->clock.wall.tv_usec ||
        wall.tv_sec != loop->clock.wall.tv_sec) {
        coh_clock_set(&loop->clock, &wall, coh_monotonic_ms());
    }
    if (loop->is_running) {
        set_busy_since(loop, loop->clock.now_ms);
    }
}

static struct cohort_log *complaints;

static void
on_complaint(int severity, const char *text)
{
    enum cohort_log_level level = COHORT_LOG_DEBUG;

    if (severity >= EVENT_LOG_ERR) {
        level = COHORT_LOG_ALERT;
    } else if (severity == EVENT_LOG_WARN) {
        level = COHORT_LOG_WARN;
    }
    cohort_log_at(complaints, level, "libevent: %s", text);
}

void
coh_loop_log(struct cohort_log *log)
{
    complaints = log;
    event_set_log_callback(log == NULL ? NULL : on_complaint);
}

/* Behind libevent's back, which goes on knowing the descriptor: the kernel
   takes the flag only when a descriptor is added. */
static int
add_exclusively(int epoll_fd, int fd)
{
    struct epoll_event wanted = {
        .events = EPOLLIN | EPOLLEXCLUSIVE,
        .data.fd = fd,
    };

    if (epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, NULL) < 0) {
        return -errno;
    }
    return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &wanted) < 0 ? -errno : 0;
}

int
coh_event_add_exclusive(struct coh_loop *loop, struct event *event)
{
    int result;

    errno = 0;
    if (event_add(event, NULL) < 0) {
        return errno != 0 ? -errno : -ENOMEM;
    }
    if (loop->epoll_fd < 0) {
        return 0;
    }
    result = add_exclusively(loop->epoll_fd, event_get_fd(event));
    if (result < 0) {
        event_del(event);
    }
    return result;
}

int
coh_event_requeue_exclusive(struct coh_loop *loop, struct event *event)
{
    int result;

    if (loop->epoll_fd < 0) {
        return 0;
    }
    result = add_exclusively(loop->epoll_fd, event_get_fd(event));
    if (result < 0) {
        event_del(event); /* so that libevent knows, too */
    }
    return result;
}
