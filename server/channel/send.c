/* Messages out: at once if the socket has room, else queued. */
#include "server/channel/internal.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "core/event.h"

bool
coh_channel_is_pending(const struct coh_channel *channel)
{
    return !TAILQ_EMPTY(&channel->queue.packets);
}

/* Too many descriptors of this user may be under way while the socket has
   room: then waiting for room would spin. */
#define STUCK_MS 10

/* Come back when there is room, or when some time has passed. */
static void
send_later(struct coh_channel *channel, bool is_stuck)
{
    const struct timeval delay = {.tv_usec = STUCK_MS * 1000};

    event_del(&channel->write_event);
    event_assign(
        &channel->write_event, channel->loop->base, is_stuck ? -1 : channel->fd,
        is_stuck ? 0 : EV_WRITE, coh_channel_on_writable, channel);
    event_add(&channel->write_event, is_stuck ? &delay : NULL);
}

void
coh_channel_on_writable(evutil_socket_t fd, short what, void *user)
{
    struct coh_channel *channel = user;
    size_t before = channel->queue.byte_count;

    (void)fd;
    (void)what;
    if (coh_queue_send(&channel->queue, channel->fd) == -EAGAIN) {
        send_later(channel, channel->queue.byte_count == before);
    }
    /* After another failure, what became of the peer is told by reading. */
    if (channel->role->sent != NULL) {
        channel->role->sent(channel, NULL);
    }
}

int
coh_channel_flush(struct coh_channel *channel)
{
    int result;

    if (channel->fd < 0) {
        return -EPIPE;
    }
    result = coh_queue_send(&channel->queue, channel->fd);
    if (result == -EAGAIN && channel->loop != NULL &&
        !event_pending(&channel->write_event, EV_WRITE | EV_TIMEOUT, NULL)) {
        send_later(channel, false);
    }
    return result;
}

/* Synchronous channels have nobody who would send the rest later. */
static int
flush_all(struct coh_channel *channel)
{
    int result;

    while ((result = coh_channel_flush(channel)) == -EAGAIN) {
        struct pollfd room = {.fd = channel->fd, .events = POLLOUT};
        int timeout_ms = -1;

        if (poll(&room, 1, 0) > 0) {
            room.events = 0;
            timeout_ms = STUCK_MS;
        }
        if (poll(&room, 1, timeout_ms) < 0 && errno != EINTR) {
            return -errno;
        }
    }
    return result;
}

int
coh_channel_send_now(
    struct coh_channel *channel, uint16_t type, const void *data, size_t size,
    const int *fds, size_t fd_count)
{
    struct coh_frame_header header = {
        .size = (uint32_t)size,
        .type = type,
        .version = COH_FRAME_VERSION,
        .fd_count = (uint8_t)fd_count,
    };
    struct iovec parts[2] = {
        {.iov_base = &header, .iov_len = sizeof(header)},
        {.iov_len = size},
    };
    ssize_t sent;

    if (channel->fd < 0) {
        return -EPIPE;
    }
    if (coh_frame_span(size) > COH_PACKET_MAX || fd_count > COH_FDPASS_MAX) {
        return -EMSGSIZE;
    }
    if (coh_channel_is_pending(channel)) {
        return -EAGAIN;
    }
    memcpy(&parts[1].iov_base, &data, sizeof(data)); /* only read from */
    sent = coh_fds_send(channel->fd, parts, 2, fds, fd_count);
    return sent < 0 ? (int)sent : 0;
}

int
coh_channel_sendv(
    struct coh_channel *channel, uint16_t type, const struct iovec *parts,
    size_t part_count, const int *fds, size_t fd_count)
{
    int result;

    if (channel->fd < 0) {
        return -EPIPE;
    }
    result =
        coh_queue_push(&channel->queue, type, parts, part_count, fds, fd_count);
    if (result < 0) {
        return result;
    }
    result =
        channel->loop == NULL ? flush_all(channel) : coh_channel_flush(channel);
    return result == -EAGAIN ? 0 : result;
}

int
coh_channel_send_fds(
    struct coh_channel *channel, uint16_t type, const void *data, size_t size,
    const int *fds, size_t fd_count)
{
    struct iovec part = {.iov_len = size};
    int result;

    result = coh_channel_send_now(channel, type, data, size, fds, fd_count);
    if (result != -EAGAIN && result != -EMSGSIZE) {
        return result;
    }
    memcpy(&part.iov_base, &data, sizeof(data)); /* only read from */
    return coh_channel_sendv(channel, type, &part, 1, fds, fd_count);
}

int
coh_channel_send(
    struct coh_channel *channel, uint16_t type, const void *data, size_t size)
{
    return coh_channel_send_fds(channel, type, data, size, NULL, 0);
}
