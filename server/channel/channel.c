/* The channel: opened, read from, waited for, ended. */
#include "server/channel/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cohort/log.h>

#include "core/event.h"

/*
 * A channel is open until its peer is gone or breaks the protocol; then it is
 * closed (fd is -1) and role->gone runs, once. Handlers may free the channel,
 * so whoever calls one looks at *is_freed before touching it again.
 */

void
coh_channel_forget(struct coh_channel *channel)
{
    if (channel->fd < 0) {
        return;
    }
    close(channel->fd);
    channel->fd = -1;
    coh_queue_fini(&channel->queue);
    free(channel->partial);
    channel->partial = NULL;
}

static void
close_socket(struct coh_channel *channel)
{
    if (channel->fd >= 0 && channel->loop != NULL) {
        event_del(&channel->read_event);
        event_del(&channel->write_event);
    }
    coh_channel_forget(channel);
}

void
coh_channel_fini(struct coh_channel *channel)
{
    close_socket(channel);
    if (channel->is_freed != NULL) {
        *channel->is_freed = true;
        channel->is_freed = NULL;
    }
}

bool
coh_channel_call(
    struct coh_channel *channel, coh_channel_handler *handler,
    struct coh_message *message)
{
    bool *outer = channel->is_freed;
    bool is_freed = false;

    channel->is_freed = &is_freed;
    handler(channel, message);
    if (is_freed) {
        if (outer != NULL) {
            *outer = true;
        }
        return false;
    }
    channel->is_freed = outer;
    return channel->fd >= 0;
}

void
coh_channel_end(struct coh_channel *channel)
{
    if (channel->fd >= 0) {
        close_socket(channel);
        coh_channel_call(channel, channel->role->gone, NULL);
    }
}

void
coh_channel_reject(struct coh_channel *channel, const char *why)
{
    cohort_error(
        channel->log, "closing the channel to %s %" PRIu64 ": its message %s",
        channel->role->peer, channel->peer_id, why);
    coh_channel_end(channel);
}

/* --- receiving ------------------------------------------------------------ */

static ssize_t
receive_packet(struct coh_channel *channel, struct coh_received *received)
{
    received->fd_count = COH_FDPASS_MAX;
    return coh_fds_receive_cut(
        channel->fd, received->data, sizeof(received->data), received->fds,
        &received->fd_count, &received->is_robbed);
}

/* Receive one packet. The channel may be gone after it. */
static void
receive(struct coh_channel *channel)
{
    struct coh_received received;
    ssize_t got = receive_packet(channel, &received);

    if (got == 0) {
        /* A peer that died with messages of ours unread causes a reset, which
           is told first; its own last messages come after it. */
        got = receive_packet(channel, &received);
    }
    if (got > 0) {
        coh_channel_take_packet(channel, &received, (size_t)got);
    } else if (got == -EMSGSIZE) {
        coh_channel_reject(channel, "is longer than a packet may be");
    } else if (got == -EPROTO) {
        coh_channel_reject(channel, "is descriptors and nothing else");
    } else if (got != -EAGAIN) {
        coh_channel_end(channel);
    }
}

static void
on_readable(evutil_socket_t fd, short what, void *user)
{
    (void)fd;
    (void)what;
    receive(user);
}

/* --- waiting -------------------------------------------------------------- */

static int
wait_readable(int fd, int timeout_ms)
{
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    uint64_t end_ms = coh_monotonic_ms() + (uint64_t)timeout_ms;

    for (;;) {
        int count = poll(&readable, 1, timeout_ms);

        if (count > 0) {
            return 0;
        }
        if (count < 0 && errno != EINTR) {
            return -errno;
        }
        if (timeout_ms >= 0) {
            uint64_t now_ms = coh_monotonic_ms();

            if (count == 0 || now_ms >= end_ms) {
                return -ETIMEDOUT;
            }
            timeout_ms = (int)(end_ms - now_ms);
        }
    }
}

int
coh_channel_wait(struct coh_channel *channel, int timeout_ms)
{
    bool *outer = channel->is_freed;
    bool is_freed = false;
    int result;

    if (channel->fd < 0) {
        return -EPIPE;
    }
    result = wait_readable(channel->fd, timeout_ms);
    if (result < 0) {
        return result;
    }
    channel->is_freed = &is_freed;
    receive(channel);
    if (is_freed) {
        if (outer != NULL) {
            *outer = true;
        }
        return -EPIPE;
    }
    channel->is_freed = outer;
    return channel->fd < 0 ? -EPIPE : 0;
}

int
coh_channel_wait_for(struct coh_channel *channel, uint16_t type, int timeout_ms)
{
    int result;

    channel->last_type = 0;
    do {
        result = coh_channel_wait(channel, timeout_ms);
    } while (result == 0 && channel->last_type != type);
    return result;
}

/* --- beginning ------------------------------------------------------------ */

static int
watch(struct coh_channel *channel)
{
    struct event_base *base = channel->loop->base;

    event_assign(
        &channel->read_event, base, channel->fd, EV_READ | EV_PERSIST,
        on_readable, channel);
    event_assign(
        &channel->write_event, base, channel->fd, EV_WRITE,
        coh_channel_on_writable, channel);
    return event_add(&channel->read_event, NULL) < 0 ? -ENOMEM : 0;
}

int
coh_channel_init(
    struct coh_channel *channel, struct coh_loop *loop, int fd,
    const struct coh_channel_role *role, void *user, struct cohort_log *log)
{
    int result;

    memset(channel, 0, sizeof(*channel));
    channel->fd = fd;
    channel->state = COH_CHANNEL_NEW;
    channel->role = role;
    channel->user = user;
    channel->loop = loop;
    channel->log = log;
    coh_queue_init(&channel->queue);
    result = loop == NULL ? 0 : watch(channel);
    if (result < 0) {
        close(fd);
        channel->fd = -1;
    }
    return result;
}
