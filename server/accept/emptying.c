/* Emptying listening sockets before they are closed. */
#include "server/accept/emptying.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cohort/log.h>

#include "core/event.h"
#include "core/socket.h"
#include "server/accept/steer.h"

/* How often to look, and for how long a socket must have been empty: a
   handshake that is under way still ends on it. */
#define LOOK_MS 5
#define EMPTY_MS 1000
#define EMPTY_LOOPBACK_MS 20

/* A connection that deferred accept holds back is let through by the next
   retransmission, within this time. */
#define DEFERRED_MS 2000

/* So long at most where connections cannot be turned away: a busy socket is
   never empty then. */
#define UNSTEERED_MS 5000

/* Taken from one socket per look at most. */
#define ACCEPT_MAX 64

struct coh_emptying {
    struct coh_listener *listener;
    unsigned first;
    struct coh_loop *loop;
    void (*accepted)(void *user, int fd);
    void (*done)(void *user);
    void *user;
    struct event look;
    uint64_t not_before_ms;
    uint64_t empty_since_ms; /* 0: was not empty at the last look */
    uint64_t empty_ms;       /* how long it must be */
    uint64_t give_up_ms;     /* it is closed anyhow; 0: never */
    bool is_over;            /* but nothing is closed (given_count) */
};

static bool
is_loopback(const struct coh_addr *address)
{
    switch (address->u.any.sa_family) {
    case AF_INET:
        return ntohl(address->u.v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    case AF_INET6:
        return IN6_IS_ADDR_LOOPBACK(&address->u.v6.sin6_addr);
    default:
        return true; /* a unix socket */
    }
}

/* --- steering ------------------------------------------------------------- */

static void
steer_away(struct coh_emptying *emptying)
{
    struct coh_listener *listener = emptying->listener;
    int result = 0;

    if (listener->address.u.any.sa_family == AF_UNIX) {
        coh_listener_unlink(listener);
    } else if (emptying->first > 0) {
        result = coh_steer_group(listener->sockets[0], emptying->first);
    } else {
        for (unsigned i = 0; i < listener->socket_count && result == 0; i++) {
            result = coh_steer_drop(listener->sockets[i]);
        }
    }
    if (result < 0) {
        cohort_warn(
            listener->set->log,
            "cannot turn connections away from a socket that is closed: %s; "
            "some may be reset",
            strerror(-result));
        emptying->give_up_ms = coh_monotonic_ms() + UNSTEERED_MS;
    }
}

/* Whatever of it cannot be undone was not done. */
static void
steer_back(struct coh_emptying *emptying)
{
    struct coh_listener *listener = emptying->listener;

    if (listener->address.u.any.sa_family == AF_UNIX ||
        listener->socket_count == 0) {
        return;
    }
    if (emptying->first > 0) {
        coh_steer_group_end(listener->sockets[0]);
        return;
    }
    for (unsigned i = 0; i < listener->socket_count; i++) {
        coh_steer_drop_end(listener->sockets[i]);
    }
}

static void
defer_no_more(struct coh_emptying *emptying)
{
    struct coh_listener *listener = emptying->listener;

    if (!listener->options.deferred) {
        return;
    }
    for (unsigned i = emptying->first; i < listener->socket_count; i++) {
        coh_socket_option(
            listener->sockets[i], IPPROTO_TCP, TCP_DEFER_ACCEPT, 0);
    }
    emptying->not_before_ms += DEFERRED_MS;
}

/* --- looking -------------------------------------------------------------- */

static void
accept_left(struct coh_emptying *emptying, unsigned socket)
{
    for (unsigned i = 0; i < ACCEPT_MAX; i++) {
        int fd = coh_listener_accept(emptying->listener, socket);

        if (fd < 0) {
            return;
        }
        emptying->accepted(emptying->user, fd);
    }
}

static bool
is_empty(struct coh_emptying *emptying)
{
    struct coh_listener *listener = emptying->listener;
    bool was_empty = true;

    for (unsigned i = emptying->first; i < listener->socket_count; i++) {
        struct pollfd waiting = {
            .fd = listener->sockets[i],
            .events = POLLIN,
        };

        if (poll(&waiting, 1, 0) > 0) {
            was_empty = false;
            if (emptying->accepted != NULL) {
                accept_left(emptying, i);
            }
        }
    }
    return was_empty;
}

void
coh_emptying_forget(struct coh_listener *listener)
{
    if (listener->emptying != NULL) {
        event_del(&listener->emptying->look);
        free(listener->emptying);
        listener->emptying = NULL;
    }
}

/* Told last, when nothing of it is needed any more. */
static void
end(struct coh_emptying *emptying)
{
    struct coh_listener *listener = emptying->listener;
    void (*done)(void *user) = emptying->done;
    void *user = emptying->user;

    coh_emptying_forget(listener);
    if (done != NULL) {
        done(user);
    }
    coh_listener_release(listener);
}

/* Workers have copies of the sockets until they are told to leave: a close
   alone would let connections in again once they are steered back. For a moment
   of its end the kernel may find a socket that is no member of its group any
   more, so nothing steers; a first packet that is dropped comes again, and finds
   another one. */
static void
shut_down(struct coh_emptying *emptying)
{
    struct coh_listener *listener = emptying->listener;

    for (unsigned i = emptying->first; i < listener->socket_count; i++) {
        if (listener->address.u.any.sa_family != AF_UNIX) {
            (void)coh_steer_drop(listener->sockets[i]);
        }
        shutdown(listener->sockets[i], SHUT_RDWR);
    }
}

static void
close_all(struct coh_emptying *emptying)
{
    shut_down(emptying);
    coh_listener_shrink(emptying->listener, emptying->first);
    steer_back(emptying);
    end(emptying);
}

/* Nothing waits any more, or nobody waits for it. Programs that were given the
   sockets know nothing of this, and would fail on one that was shut down: these
   stay turned away until nobody else holds the listener, or it is wanted
   again. */
static void
finish(struct coh_emptying *emptying)
{
    void (*done)(void *user) = emptying->done;

    if (emptying->listener->given_count == 0 || emptying->first > 0) {
        close_all(emptying);
        return;
    }
    event_del(&emptying->look);
    emptying->is_over = true;
    emptying->done = NULL;
    if (done != NULL) {
        done(emptying->user);
    }
}

static bool
is_time_to_close(struct coh_emptying *emptying)
{
    uint64_t now_ms = coh_monotonic_ms();

    if (!is_empty(emptying)) {
        emptying->empty_since_ms = 0;
    } else if (emptying->empty_since_ms == 0) {
        emptying->empty_since_ms = now_ms;
    } else if (
        now_ms >= emptying->not_before_ms &&
        now_ms - emptying->empty_since_ms >= emptying->empty_ms) {
        return true;
    }
    return emptying->give_up_ms > 0 && now_ms >= emptying->give_up_ms;
}

static void
look_again(struct coh_emptying *emptying)
{
    coh_event_add_ms(&emptying->look, LOOK_MS);
}

static void
on_look(evutil_socket_t fd, short what, void *user)
{
    struct coh_emptying *emptying = user;

    (void)fd;
    (void)what;
    if (is_time_to_close(emptying)) {
        finish(emptying);
    } else {
        look_again(emptying);
    }
}

/* --- beginning ------------------------------------------------------------ */

int
coh_emptying_start(
    struct coh_listener *listener, unsigned first, struct coh_loop *loop,
    void (*accepted)(void *user, int fd), void (*done)(void *user), void *user)
{
    struct coh_emptying *emptying;

    if (listener->emptying != NULL) {
        return -EALREADY;
    }
    if (first < listener->lent_count) {
        first = listener->lent_count;
    }
    if (first > 0 && first >= listener->socket_count) {
        return -EBUSY;
    }
    emptying = calloc(1, sizeof(*emptying));
    if (emptying == NULL) {
        return -ENOMEM;
    }
    *emptying = (struct coh_emptying){
        .listener = listener,
        .first = first,
        .loop = loop,
        .accepted = accepted,
        .done = done,
        .user = user,
        .not_before_ms = coh_monotonic_ms(),
        .empty_ms =
            is_loopback(&listener->address) ? EMPTY_LOOPBACK_MS : EMPTY_MS,
    };
    listener->emptying = emptying;
    listener->references++;
    event_assign(&emptying->look, loop->base, -1, 0, on_look, emptying);
    steer_away(emptying);
    defer_no_more(emptying);
    look_again(emptying);
    return 0;
}

bool
coh_emptying_has_waiting(const struct coh_listener *listener)
{
    return listener->emptying != NULL &&
        listener->emptying->empty_since_ms == 0;
}

void
coh_emptying_give_up(struct coh_listener *listener)
{
    if (listener->emptying != NULL && !listener->emptying->is_over) {
        finish(listener->emptying);
    }
}

void
coh_emptying_close(struct coh_listener *listener)
{
    if (listener->emptying != NULL && listener->emptying->is_over) {
        close_all(listener->emptying);
    }
}

void
coh_emptying_cancel(struct coh_listener *listener)
{
    struct coh_emptying *emptying = listener->emptying;

    if (emptying == NULL) {
        return;
    }
    steer_back(emptying);
    if (listener->options.deferred) {
        static const struct cohort_listen_options none;
        const struct cohort_listen_options wanted = listener->options;

        listener->options = none;
        coh_listener_apply(listener, &wanted);
    }
    end(emptying);
}
