/* Where connections come into a worker: over the channel, or from listening
   sockets of its own. */
#include "server/accept/intake.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cohort/log.h>

#include "core/event.h"
#include "server/channel/channel.h"

/* Idle connections closed at a time when there is no room. */
#define RECLAIM_COUNT 16

/* Without descriptors, look again after this long. */
#define RETRY_MS 100

/* --- room ----------------------------------------------------------------- */

unsigned
coh_intake_open_count(const struct coh_intake *intake)
{
    return atomic_load_explicit(
        &intake->words->open_count, memory_order_relaxed);
}

/* Only this process writes it, so no locked instruction is needed. */
static void
set_open_count(struct coh_intake *intake, unsigned count)
{
    atomic_store_explicit(
        &intake->words->open_count, count, memory_order_relaxed);
}

static bool
is_full(const struct coh_intake *intake)
{
    return coh_intake_open_count(intake) >= intake->open_max;
}

static size_t
reclaim(struct coh_intake *intake)
{
    return intake->reclaim == NULL
        ? 0
        : intake->reclaim(intake->state, RECLAIM_COUNT);
}

/* Idle connections have to go before new ones are turned away. */
static bool
has_room(struct coh_intake *intake)
{
    if (is_full(intake)) {
        reclaim(intake);
    }
    return !is_full(intake);
}

static bool
has_reserve(struct coh_intake *intake)
{
    if (intake->reserve < 0) {
        intake->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    return intake->reserve >= 0;
}

/* --- own sockets ---------------------------------------------------------- */

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

static void
pause_accepting(struct coh_intake *intake)
{
    intake->is_paused = true;
    for (unsigned i = 0; i < intake->listener_count; i++) {
        stop_accepting(&intake->listeners[i]);
    }
}

static int
begin_all(struct coh_intake *intake)
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

static void
retry_later(struct coh_intake *intake)
{
    const struct timeval delay = {.tv_usec = RETRY_MS * 1000};

    event_add(&intake->retry, &delay);
}

/* A connection or a descriptor may be free again. */
static void
try_to_resume(struct coh_intake *intake)
{
    if (!intake->is_started || !intake->is_paused || is_full(intake)) {
        return;
    }
    if (!has_reserve(intake)) {
        retry_later(intake);
        return;
    }
    intake->is_paused = false;
    if (begin_all(intake) < 0) {
        pause_accepting(intake);
        retry_later(intake);
    }
}

static void on_retry(evutil_socket_t fd, short what, void *user);

void
coh_intake_pause(struct coh_intake *intake)
{
    pause_accepting(intake);
    retry_later(intake);
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
    int fd;

    cohort_log_at(
        intake->log, intake->has_told ? COHORT_LOG_DEBUG : COHORT_LOG_ALERT,
        "accepting pauses: %s; raise worker_rlimit_nofile or lower "
        "worker_connections",
        strerror(error));
    intake->has_told = true;
    reclaim(intake);
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

    if (!has_room(intake)) {
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

/* --- serving -------------------------------------------------------------- */

/* The address that the client connected to, of those that share a socket. */
static struct coh_intake_listener *
exact_listener(struct coh_intake_listener *wildcard, int fd)
{
    struct coh_intake *intake = wildcard->intake;
    struct coh_addr local;

    if (coh_addr_of_socket(fd, &local) < 0) {
        return wildcard;
    }
    for (unsigned i = 0; i < intake->listener_count; i++) {
        if (coh_addr_equal(&intake->listeners[i].address, &local)) {
            return &intake->listeners[i];
        }
    }
    return wildcard;
}

void
coh_intake_serve(struct coh_intake_listener *listener, int fd)
{
    struct coh_intake *intake = listener->intake;

    if (listener->has_covered) {
        listener = exact_listener(listener, fd);
    }
    set_open_count(intake, coh_intake_open_count(intake) + 1);
    intake->on_connection(intake->state, fd, listener->user);
}

/* The primary waits for a word of ours, and there is room again. */
static void
pay_credit(struct coh_intake *intake)
{
    if (intake->owes_credit && intake->is_started && !is_full(intake)) {
        intake->owes_credit = false;
        atomic_store(&intake->words->want, 0);
        /* If it fails, the primary is gone, or finds out by looking. */
        coh_channel_send(intake->channel, COH_FRAME_CREDIT, NULL, 0);
    }
}

void
coh_intake_connection_closed(struct coh_intake *intake)
{
    set_open_count(intake, coh_intake_open_count(intake) - 1);
    if (intake->is_paused) {
        try_to_resume(intake);
    }
    pay_credit(intake);
}

static void
on_retry(evutil_socket_t fd, short what, void *user)
{
    struct coh_intake *intake = user;

    (void)fd;
    (void)what;
    try_to_resume(intake);
    pay_credit(intake);
}

/* --- offers of the primary ------------------------------------------------ */

static bool
is_valid(const struct coh_intake *intake, const struct coh_message *message)
{
    const struct coh_frame_connection *offers = message->data;
    size_t count = message->size / sizeof(*offers);

    if (message->size % sizeof(*offers) != 0 ||
        message->fd_count + message->lost_fd_count != count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (offers[i].listener >= intake->listener_count ||
            offers[i].word >= COH_HANDOFF_WINDOW) {
            return false;
        }
    }
    return true;
}

static void
take_offer(
    struct coh_intake *intake, const struct coh_frame_connection *offer,
    int *fd)
{
    bool is_refused = !intake->is_started || !has_room(intake);
    int client = *fd;

    if (coh_handoff_take(intake->words, offer, is_refused) ==
        COH_HANDOFF_MINE) {
        *fd = -1; /* kept; the channel closes the others */
        coh_intake_serve(&intake->listeners[offer->listener], client);
    }
    intake->owes_credit |= is_refused;
}

void
coh_intake_offered(struct coh_intake *intake, struct coh_message *message)
{
    const struct coh_frame_connection *offers = message->data;
    size_t count = message->size / sizeof(*offers);

    if (!is_valid(intake, message)) {
        coh_channel_reject(intake->channel, "offers what does not exist");
        return;
    }
    if (message->lost_fd_count > 0) {
        coh_handoff_lost(intake->words, offers, count);
        intake->owes_credit = true;
        reclaim(intake);
        retry_later(intake);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        take_offer(intake, &offers[i], &message->fds[i]);
    }
    if (atomic_load(&intake->words->want) != 0) {
        intake->owes_credit = true;
    }
    pay_credit(intake);
}

/* --- beginning and end ---------------------------------------------------- */

int
coh_intake_init(struct coh_intake *intake, unsigned listener_count)
{
    intake->listeners = calloc(
        listener_count > 0 ? listener_count : 1, sizeof(*intake->listeners));
    if (intake->listeners == NULL) {
        return -ENOMEM;
    }
    intake->listener_count = listener_count;
    for (unsigned i = 0; i < listener_count; i++) {
        intake->listeners[i].intake = intake;
        intake->listeners[i].fd = -1;
    }
    intake->is_started = false;
    intake->is_paused = false;
    intake->owes_credit = false;
    intake->has_told = false;
    intake->reserve = -1;
    event_assign(&intake->retry, intake->loop->base, -1, 0, on_retry, intake);
    return 0;
}

void
coh_intake_set(
    struct coh_intake *intake, unsigned index, enum cohort_policy policy,
    const struct coh_addr *address, int fd, void *user)
{
    struct coh_intake_listener *listener = &intake->listeners[index];

    listener->policy = coh_policy_of(policy);
    if (fd >= 0 && listener->policy->worker_start == NULL) {
        listener->policy = &coh_policy_shared; /* there is no primary */
    }
    listener->address = *address;
    listener->user = user;
    listener->fd = fd;
    listener->is_alone = intake->channel == NULL;
}

static bool
covers_any(const struct coh_intake_listener *wildcard)
{
    const struct coh_intake *intake = wildcard->intake;

    for (unsigned i = 0; i < intake->listener_count; i++) {
        const struct coh_addr *address = &intake->listeners[i].address;

        if (address->u.any.sa_family == wildcard->address.u.any.sa_family &&
            coh_addr_port(address) == coh_addr_port(&wildcard->address) &&
            !coh_addr_is_wildcard(address)) {
            return true;
        }
    }
    return false;
}

int
coh_intake_start(struct coh_intake *intake)
{
    for (unsigned i = 0; i < intake->listener_count; i++) {
        struct coh_intake_listener *listener = &intake->listeners[i];

        listener->has_covered =
            coh_addr_is_wildcard(&listener->address) && covers_any(listener);
    }
    has_reserve(intake);
    intake->is_started = true;
    return begin_all(intake);
}

void
coh_intake_drain(struct coh_intake *intake)
{
    intake->is_started = false;
    event_del(&intake->retry);
    for (unsigned i = 0; i < intake->listener_count; i++) {
        struct coh_intake_listener *listener = &intake->listeners[i];

        stop_accepting(listener);
        if (listener->fd >= 0) {
            close(listener->fd);
            listener->fd = -1;
        }
    }
}

void
coh_intake_fini(struct coh_intake *intake)
{
    coh_intake_drain(intake);
    if (intake->reserve >= 0) {
        close(intake->reserve);
        intake->reserve = -1;
    }
    free(intake->listeners);
    intake->listeners = NULL;
    intake->listener_count = 0;
}
