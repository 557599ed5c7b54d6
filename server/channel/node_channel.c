/* The Node channel: opened, read from turn by turn, written to, left, ended. */
#include "server/channel/node_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include <cohort/log.h>

#include "core/event.h"

/*
 * A channel is open until its peer is gone or breaks the protocol, or until it
 * has been left; then it is closed (fd is -1) and role->gone runs, once.
 * Handlers may free the channel, so whoever calls one looks at the guard before
 * touching it again.
 */

void
coh_node_channel_enter(
    struct coh_node_channel *channel, struct coh_node_guard *guard)
{
    guard->outer = channel->is_freed;
    guard->is_freed = false;
    channel->is_freed = &guard->is_freed;
}

bool
coh_node_channel_exit(
    struct coh_node_channel *channel, struct coh_node_guard *guard)
{
    if (guard->is_freed) {
        if (guard->outer != NULL) {
            *guard->outer = true;
        }
        return false;
    }
    channel->is_freed = guard->outer;
    return channel->fd >= 0;
}

void
coh_node_channel_forget(struct coh_node_channel *channel)
{
    if (channel->fd < 0) {
        return;
    }
    close(channel->fd);
    channel->fd = -1;
    coh_node_lines_fini(&channel->lines);
    coh_node_queue_fini(&channel->queue);
}

static void
close_socket(struct coh_node_channel *channel)
{
    if (channel->fd >= 0) {
        event_del(&channel->read_event);
        event_del(&channel->write_event);
        event_del(&channel->more_event);
    }
    coh_node_channel_forget(channel);
}

void
coh_node_channel_fini(struct coh_node_channel *channel)
{
    close_socket(channel);
    if (channel->is_freed != NULL) {
        *channel->is_freed = true;
        channel->is_freed = NULL;
    }
}

void
coh_node_channel_end(struct coh_node_channel *channel)
{
    struct coh_node_guard guard;

    if (channel->fd < 0) {
        return;
    }
    close_socket(channel);
    coh_node_channel_enter(channel, &guard);
    channel->role->gone(channel);
    coh_node_channel_exit(channel, &guard);
}

void
coh_node_channel_reject(struct coh_node_channel *channel, const char *why)
{
    cohort_error(
        channel->log, "closing the channel to %s %" PRIu64 ": its message %s",
        channel->role->peer, channel->peer_id, why);
    coh_node_channel_end(channel);
}

/* --- writing -------------------------------------------------------------- */

/* Too many descriptors of this user may be under way while the socket has
   room: then waiting for room would spin. */
#define STUCK_MS 10

static void on_writable(evutil_socket_t fd, short what, void *user);

/* Come back when there is room, or when some time has passed. */
static void
send_later(struct coh_node_channel *channel, bool is_stuck)
{
    const struct timeval delay = {.tv_usec = STUCK_MS * 1000};

    event_del(&channel->write_event);
    event_assign(
        &channel->write_event, channel->loop->base, is_stuck ? -1 : channel->fd,
        is_stuck ? 0 : EV_WRITE, on_writable, channel);
    event_add(&channel->write_event, is_stuck ? &delay : NULL);
}

/* is_writable: the socket has just been found to have room. */
static void
pump(struct coh_node_channel *channel, bool is_writable)
{
    uint64_t before = channel->queue.sent_bytes;
    int result = coh_node_queue_send(&channel->queue, channel->fd);

    if (result == 0 || result == -EPIPE) {
        return; /* what became of the peer is told by reading */
    }
    if (is_writable) {
        send_later(channel, channel->queue.sent_bytes == before);
    } else if (!event_pending(
                   &channel->write_event, EV_WRITE | EV_TIMEOUT, NULL)) {
        send_later(channel, result != -EAGAIN);
    }
}

void
coh_node_channel_pump(struct coh_node_channel *channel)
{
    pump(channel, false);
}

/* At the end of a turn: tell what the queue's new state means. */
static void
settle(struct coh_node_channel *channel)
{
    struct coh_node_guard guard;

    if (channel->is_leaving) {
        if (coh_node_queue_is_idle(&channel->queue)) {
            channel->has_left = true;
            coh_node_channel_end(channel);
        }
        return;
    }
    if (channel->is_pressed &&
        channel->queue.byte_count < COH_NODE_PRESSURE_SIZE / 2) {
        channel->is_pressed = false;
        coh_node_channel_enter(channel, &guard);
        channel->role->drained(channel);
        coh_node_channel_exit(channel, &guard);
    }
}

static void
on_writable(evutil_socket_t fd, short what, void *user)
{
    (void)fd;
    (void)what;
    pump(user, true);
    settle(user);
}

/* --- reading -------------------------------------------------------------- */

/* Hand out a turn's worth of lines. True if the channel is there and open. */
static bool
take_lines(struct coh_node_channel *channel)
{
    const struct timeval now = {0};

    for (int i = 0; i < COH_NODE_TURN_MAX; i++) {
        struct cohort_str line;
        int result = coh_node_lines_next(&channel->lines, &line);

        if (result == 0) {
            event_add(&channel->read_event, NULL);
            return true;
        }
        if (result < 0) {
            coh_node_channel_reject(channel, "is longer than 1 MiB");
            return false;
        }
        if (!coh_node_channel_take_line(channel, line)) {
            return false;
        }
    }
    event_del(&channel->read_event);
    event_add(&channel->more_event, &now);
    return true;
}

static void
on_more(evutil_socket_t fd, short what, void *user)
{
    (void)fd;
    (void)what;
    if (take_lines(user)) {
        settle(user);
    }
}

static void
on_readable(evutil_socket_t fd, short what, void *user)
{
    struct coh_node_channel *channel = user;
    ssize_t got = coh_node_lines_receive(&channel->lines, fd);

    (void)what;
    if (got > 0) {
        on_more(fd, what, channel);
    } else if (got == -ENOMEM) {
        coh_node_channel_reject(channel, "finds no memory");
    } else if (got != -EAGAIN) {
        coh_node_channel_end(channel);
    }
}

/* --- beginning and leaving ------------------------------------------------ */

int
coh_node_channel_init(
    struct coh_node_channel *channel, struct coh_loop *loop, int fd,
    const struct coh_node_channel_role *role, void *user,
    struct cohort_log *log)
{
    memset(channel, 0, sizeof(*channel));
    channel->fd = fd;
    channel->role = role;
    channel->user = user;
    channel->loop = loop;
    channel->log = log;
    coh_node_lines_init(&channel->lines);
    coh_node_queue_init(&channel->queue);
    event_assign(
        &channel->read_event, loop->base, fd, EV_READ | EV_PERSIST, on_readable,
        channel);
    event_assign(
        &channel->write_event, loop->base, fd, EV_WRITE, on_writable, channel);
    event_assign(&channel->more_event, loop->base, -1, 0, on_more, channel);
    if (event_add(&channel->read_event, NULL) < 0) {
        close_socket(channel);
        return -ENOMEM;
    }
    return 0;
}

void
coh_node_channel_leave(struct coh_node_channel *channel)
{
    const struct timeval now = {0};

    if (channel->fd >= 0) {
        channel->is_leaving = true;
        event_add(&channel->more_event, &now);
    }
}
