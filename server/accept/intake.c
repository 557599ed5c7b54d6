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

bool
coh_intake_is_full(const struct coh_intake *intake)
{
    return coh_intake_open_count(intake) >= intake->open_max;
}

void
coh_intake_count(
    struct coh_intake *intake, enum coh_counted what, uint64_t count)
{
    if (intake->counters != NULL) {
        intake->counters[what] += count;
    }
}

size_t
coh_intake_reclaim(struct coh_intake *intake)
{
    size_t count = intake->reclaim == NULL
        ? 0
        : intake->reclaim(intake->state, RECLAIM_COUNT);

    coh_intake_count(intake, COH_COUNTED_RECLAIMED, count);
    return count;
}

bool
coh_intake_has_room(struct coh_intake *intake)
{
    if (coh_intake_is_full(intake)) {
        coh_intake_count(intake, COH_COUNTED_LIMIT, 1);
        coh_intake_reclaim(intake);
    }
    return !coh_intake_is_full(intake);
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
    if (intake->owes_credit && intake->is_started &&
        !coh_intake_is_full(intake)) {
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
        coh_intake_resume(intake);
    }
    pay_credit(intake);
    if (intake->on_closed) {
        intake->on_closed(intake->closed_user);
    }
}

static void
on_retry(evutil_socket_t fd, short what, void *user)
{
    struct coh_intake *intake = user;

    (void)fd;
    (void)what;
    coh_intake_resume(intake);
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
    bool is_refused = !intake->is_started || !coh_intake_has_room(intake);
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
        coh_intake_count(intake, COH_COUNTED_ACCEPT_ERRORS, 1);
        coh_intake_reclaim(intake);
        coh_intake_retry_later(intake);
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
    intake->told_ms = 0;
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
    coh_intake_has_reserve(intake);
    intake->is_started = true;
    return coh_intake_begin(intake);
}

void
coh_intake_drain(struct coh_intake *intake)
{
    intake->is_started = false;
    event_del(&intake->retry);
    coh_intake_leave(intake);
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
