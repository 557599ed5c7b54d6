/* How the primary accepts, under the policies where it does. */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include <cohort/log.h>

#include "core/clock.h"
#include "core/event.h"
#include "core/socket.h"
#include "server/accept/acceptor.h"
#include "server/accept/policy.h"
#include "server/accept/rotation.h"

/* Without descriptors, or memory, look again after this long, or sooner when
   copies that workers took are dropped. */
#define RETRY_MS 50

/* Of this process. */
static _Atomic uint64_t error_count;

static void on_interval(void *user);

static void
retry_later(struct coh_acceptor *acceptor)
{
    coh_event_add_ms(&acceptor->retry, RETRY_MS);
}

static void
watch_directly(struct coh_acceptor *acceptor)
{
    if (event_add(&acceptor->event, NULL) < 0) {
        cohort_alert(
            acceptor->rotation->log,
            "cannot watch a listening socket now: out of memory");
        retry_later(acceptor);
    }
}

/* At intervals if that is worth it now and can be had, else at once. */
static void
watch(struct coh_acceptor *acceptor)
{
    struct coh_moderation *moderation = &acceptor->moderation;

    if (moderation->is_on &&
        coh_interval_start(
            &acceptor->interval, acceptor->rotation->loop->base,
            COH_MODERATION_INTERVAL_US, on_interval, acceptor) < 0) {
        coh_moderation_end(moderation, coh_monotonic_us());
    }
    if (!moderation->is_on) {
        watch_directly(acceptor);
    }
}

static void
unwatch(struct coh_acceptor *acceptor)
{
    event_del(&acceptor->event);
    coh_interval_stop(&acceptor->interval);
}

uint64_t
coh_primary_accept_errors(void)
{
    return atomic_load_explicit(&error_count, memory_order_relaxed);
}

static void
pause_for_descriptors(struct coh_acceptor *acceptor, int error)
{
    enum cohort_log_level level = coh_pausing_level(&acceptor->told_ms);

    cohort_log_at(
        acceptor->rotation->log, level,
        "accepting pauses: %s; raise the primary's limit of open files "
        "(ulimit -Hn, LimitNOFILE= in a unit) or the system's",
        strerror(error));
    atomic_fetch_add_explicit(&error_count, 1, memory_order_relaxed);
    acceptor->is_starved = true;
    unwatch(acceptor);
    retry_later(acceptor);
    coh_rotation_wait(acceptor->rotation, acceptor);
}

/* One connection. False: no more of them now. */
static bool
accept_one(struct coh_acceptor *acceptor)
{
    int fd = coh_listener_accept(acceptor->listener, 0);

    if (fd >= 0) {
        coh_rotation_push(acceptor->rotation, acceptor, fd);
        return true;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
        errno == ENOMEM) {
        pause_for_descriptors(acceptor, errno);
    }
    return false; /* EAGAIN, or a client that is gone again */
}

/* As many as wait, and as somebody has credit for: an accept that finds nothing
   is dear, so the length of the queue is read once one was found. How many it
   were. */
static unsigned
accept_batch(struct coh_acceptor *acceptor, unsigned room)
{
    unsigned count = 0;
    int waiting;

    if (!accept_one(acceptor)) {
        return 0;
    }
    count++;
    if (room == 1) {
        return count;
    }
    if (room > COH_HANDOFF_BATCH) {
        room = COH_HANDOFF_BATCH;
    }
    waiting = coh_socket_queue_length(acceptor->listener->sockets[0]);
    while (waiting-- > 0 && count < room && accept_one(acceptor)) {
        count++;
    }
    return count;
}

/* From one way of waiting to the other, unless it waits for something else. */
static void
change_over(struct coh_acceptor *acceptor)
{
    if (!acceptor->is_waiting) {
        unwatch(acceptor);
        watch(acceptor);
    }
}

static void
accept_now(struct coh_acceptor *acceptor)
{
    struct coh_rotation *rotation = acceptor->rotation;
    unsigned room;

    coh_rotation_settle(rotation);
    room = coh_rotation_room(rotation);
    if (room > 0) {
        unsigned count = accept_batch(acceptor, room);

        if (coh_moderation_count(
                &acceptor->moderation, count, coh_monotonic_us())) {
            change_over(acceptor);
        }
    } else if (!coh_rotation_ask(rotation, acceptor)) {
        unwatch(acceptor);
    }
    coh_rotation_flush(rotation);
}

static void
on_acceptable(evutil_socket_t fd, short what, void *user)
{
    (void)fd;
    (void)what;
    accept_now(user);
}

static void
on_interval(void *user)
{
    accept_now(user);
}

static void
on_retry(evutil_socket_t fd, short what, void *user)
{
    struct coh_acceptor *acceptor = user;

    (void)fd;
    (void)what;
    coh_rotation_resume(acceptor->rotation, acceptor);
}

int
coh_primary_accept_start(struct coh_acceptor *acceptor)
{
    struct event_base *base = acceptor->rotation->loop->base;

    event_assign(
        &acceptor->event, base, acceptor->listener->sockets[0],
        EV_READ | EV_PERSIST, on_acceptable, acceptor);
    event_assign(&acceptor->retry, base, -1, 0, on_retry, acceptor);
    acceptor->moderation = (struct coh_moderation){.is_on = false};
    acceptor->is_starved = false;
    watch(acceptor);
    return 0;
}

void
coh_primary_accept_stop(struct coh_acceptor *acceptor)
{
    unwatch(acceptor);
    event_del(&acceptor->retry);
}

/* One that stopped for want of descriptors has found one when it has accepted:
   to watch and stop again would tell of a pause each time. */
static bool
is_still_without_descriptors(struct coh_acceptor *acceptor)
{
    if (!acceptor->is_starved || coh_rotation_room(acceptor->rotation) == 0) {
        return false;
    }
    acceptor->is_starved = false;
    if (accept_one(acceptor)) {
        coh_rotation_flush(acceptor->rotation);
    }
    return acceptor->is_starved;
}

bool
coh_primary_accept_resume(struct coh_acceptor *acceptor)
{
    if (is_still_without_descriptors(acceptor)) {
        return false;
    }
    acceptor->is_starved = false;
    event_del(&acceptor->retry);
    watch(acceptor);
    return true;
}
