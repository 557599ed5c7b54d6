/* A worker's own listening sockets: watched, left alone while there is no room,
   watched again. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cohort/log.h>

#include "core/event.h"
#include "server/accept/intake.h"
#include "server/accept/pausing.h"

/* Without descriptors, look again after this long. */
#define RETRY_MS 100

/* As many as a queue holds by default (net.core.somaxconn). */
#define WAITING_MAX 4096

bool
coh_intake_has_reserve(struct coh_intake *intake)
{
    if (intake->reserve < 0) {
        intake->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    return intake->reserve >= 0;
}

static int
begin_accepting(struct coh_intake_listener *listener)
{
    int result;

    if (listener->fd < 0 || listener->is_accepting) {
        return 0;
    }
    result = listener->policy->worker_start(listener);
    listener->is_accepting = result == 0;
    return result;
}

static void
stop_accepting(struct coh_intake_listener *listener)
{
    if (listener->is_accepting) {
        listener->policy->worker_stop(listener);
        listener->is_accepting = false;
    }
}

/* The gauge of a pause moves with it. */
static void
set_paused(struct coh_intake *intake, bool is_paused)
{
    if (intake->is_paused != is_paused) {
        intake->is_paused = is_paused;
        coh_intake_count(
            intake, COH_COUNTED_PAUSED, is_paused ? 1 : UINT64_MAX);
        coh_intake_count(intake, COH_COUNTED_PAUSES, is_paused ? 1 : 0);
    }
}

static void
pause_accepting(struct coh_intake *intake)
{
    set_paused(intake, true);
    for (unsigned i = 0; i < intake->listener_count; i++) {
        stop_accepting(&intake->listeners[i]);
    }
}

int
coh_intake_begin(struct coh_intake *intake)
{
    for (unsigned i = 0; i < intake->listener_count; i++) {
        int result = begin_accepting(&intake->listeners[i]);

        if (result < 0) {
            cohort_alert(
                intake->log, "cannot watch a listening socket: %s",
                strerror(-result));
            return result;
        }
    }
    return 0;
}

void
coh_intake_retry_later(struct coh_intake *intake)
{
    coh_event_add_ms(&intake->retry, RETRY_MS);
}

void
coh_intake_resume(struct coh_intake *intake)
{
    if (!intake->is_started || !intake->is_paused ||
        coh_intake_is_full(intake)) {
        return;
    }
    if (!coh_intake_has_reserve(intake)) {
        coh_intake_retry_later(intake);
        return;
    }
    set_paused(intake, false);
    if (coh_intake_begin(intake) < 0) {
        pause_accepting(intake);
        coh_intake_retry_later(intake);
    }
}

void
coh_intake_pause(struct coh_intake *intake)
{
    pause_accepting(intake);
    coh_intake_retry_later(intake);
}

static int
accept_one(const struct coh_intake_listener *listener)
{
    return accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

/* Descriptors or memory have run out: let idle connections go, take this one
   with the reserve, and stop until something is free. */
static int
accept_in_need(struct coh_intake_listener *listener, int error)
{
    struct coh_intake *intake = listener->intake;
    enum cohort_log_level level = coh_pausing_level(&intake->told_ms);
    int fd;

    cohort_log_at(
        intake->log, level,
        "accepting pauses: %s; raise worker_rlimit_nofile or lower "
        "worker_connections",
        strerror(error));
    coh_intake_count(intake, COH_COUNTED_ACCEPT_ERRORS, 1);
    coh_intake_reclaim(intake);
    if (intake->reserve >= 0) {
        close(intake->reserve);
        intake->reserve = -1;
    }
    fd = accept_one(listener);
    coh_intake_pause(intake);
    return fd;
}

int
coh_intake_accept(struct coh_intake_listener *listener)
{
    struct coh_intake *intake = listener->intake;
    int fd;

    if (!coh_intake_has_room(intake)) {
        pause_accepting(intake);
        return -1;
    }
    fd = accept_one(listener);
    if (fd >= 0) {
        return fd;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
        errno == ENOMEM) {
        return accept_in_need(listener, errno);
    }
    if (errno == EINVAL) {
        stop_accepting(listener); /* shut down: the primary has emptied it */
    }
    return -1; /* else somebody was first, or the client is gone again */
}

/* With those that come meanwhile, but not for ever; behind a client that has
   gone again others wait. */
static void
take_waiting(struct coh_intake_listener *listener)
{
    for (int i = 0; i < WAITING_MAX; i++) {
        int fd;

        errno = 0;
        fd = coh_intake_accept(listener);
        if (fd >= 0) {
            coh_intake_serve(listener, fd);
        } else if (errno != ECONNABORTED && errno != EINTR) {
            return;
        }
    }
}

void
coh_intake_take_waiting(struct coh_intake *intake)
{
    for (unsigned i = 0; i < intake->listener_count; i++) {
        if (intake->is_started && intake->listeners[i].fd >= 0) {
            take_waiting(&intake->listeners[i]);
        }
    }
}

void
coh_intake_leave(struct coh_intake *intake)
{
    set_paused(intake, false);
    for (unsigned i = 0; i < intake->listener_count; i++) {
        struct coh_intake_listener *listener = &intake->listeners[i];

        stop_accepting(listener);
        if (listener->fd >= 0) {
            close(listener->fd);
            listener->fd = -1;
        }
    }
}
