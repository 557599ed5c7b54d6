/* A client's byte stream: plain now, TLS behind the same face later. */
#include "core/stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "core/socket.h"

static void
on_event(evutil_socket_t fd, short what, void *user)
{
    struct coh_stream *stream = user;

    (void)fd;
    (void)what;
    stream->on_ready(stream);
}

void
coh_stream_adopt(
    struct coh_stream *stream, struct coh_loop *loop, int fd,
    void (*on_ready)(struct coh_stream *stream))
{
    stream->loop = loop;
    stream->fd = fd;
    stream->is_registered = false;
    stream->wants_write = false;
    stream->on_ready = on_ready;
    event_assign(
        &stream->event, loop->base, fd, EV_READ | EV_PERSIST, on_event, stream);
}

static int
send_flags(bool is_more)
{
    return MSG_NOSIGNAL | (is_more ? MSG_MORE : 0);
}

ssize_t
coh_stream_write(
    struct coh_stream *stream, const void *data, size_t size, bool is_more)
{
    ssize_t sent;

    do {
        sent = send(stream->fd, data, size, send_flags(is_more));
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

ssize_t
coh_stream_writev(
    struct coh_stream *stream, const struct iovec *parts, int part_count,
    bool is_more)
{
    struct msghdr message = {.msg_iovlen = (size_t)part_count};
    ssize_t sent;

    memcpy(&message.msg_iov, &parts, sizeof(parts)); /* only read from */
    do {
        sent = sendmsg(stream->fd, &message, send_flags(is_more));
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

ssize_t
coh_stream_sendfile(
    struct coh_stream *stream, int file, off_t *offset, size_t size)
{
    ssize_t sent;

    do {
        sent = sendfile(stream->fd, file, offset, size);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

int
coh_stream_set_nodelay(struct coh_stream *stream, bool on)
{
    return coh_socket_option(stream->fd, IPPROTO_TCP, TCP_NODELAY, on);
}

size_t
coh_stream_pending(const struct coh_stream *stream)
{
    (void)stream; /* a plain stream reads what the kernel has */
    return 0;
}

bool
coh_stream_has_unread(const struct coh_stream *stream)
{
    int size = 0;

    return ioctl(stream->fd, FIONREAD, &size) == 0 && size > 0;
}

static int
wait_for(struct coh_stream *stream, bool is_write)
{
    short what = is_write ? EV_WRITE : EV_READ;

    if (stream->is_registered && stream->wants_write == is_write) {
        return 0;
    }
    coh_stream_wait_nothing(stream);
    if (stream->wants_write != is_write) {
        event_assign(
            &stream->event, stream->loop->base, stream->fd,
            (short)(what | EV_PERSIST), on_event, stream);
        stream->wants_write = is_write;
    }
    errno = 0;
    if (event_add(&stream->event, NULL) < 0) {
        return errno != 0 ? -errno : -ENOMEM;
    }
    stream->is_registered = true;
    return 0;
}

int
coh_stream_wait_read(struct coh_stream *stream)
{
    return wait_for(stream, false);
}

int
coh_stream_wait_write(struct coh_stream *stream)
{
    return wait_for(stream, true);
}

void
coh_stream_wait_nothing(struct coh_stream *stream)
{
    if (stream->is_registered) {
        event_del(&stream->event);
        stream->is_registered = false;
    }
}

void
coh_stream_park(struct coh_stream *stream)
{
    (void)stream; /* a plain stream holds nothing */
}

void
coh_stream_shutdown(struct coh_stream *stream)
{
    shutdown(stream->fd, SHUT_WR);
}

void
coh_stream_close(struct coh_stream *stream)
{
    coh_stream_wait_nothing(stream);
    shutdown(stream->fd, SHUT_RDWR);
    close(stream->fd);
    stream->fd = -1;
}

void
coh_stream_abort(struct coh_stream *stream)
{
    struct linger none = {.l_onoff = 1, .l_linger = 0};

    coh_stream_wait_nothing(stream);
    setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
    close(stream->fd);
    stream->fd = -1;
}
