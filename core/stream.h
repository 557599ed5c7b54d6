/* A client's byte stream: plain now, TLS behind the same face later. The stream
   owns the descriptor and its event. */
#ifndef COH_CORE_STREAM_H
#define COH_CORE_STREAM_H

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "core/event.h"

struct coh_stream {
    struct event event; /* EV_READ | EV_PERSIST, or EV_WRITE while blocked */
    struct coh_loop *loop;
    int fd;
    bool is_registered; /* the event has been added */
    bool wants_write;
    /* Readable, or writable after coh_stream_wait_write. */
    void (*on_ready)(struct coh_stream *stream);
};

/* Take over fd (non-blocking). Nothing is registered yet: serve first. */
void coh_stream_adopt(
    struct coh_stream *stream, struct coh_loop *loop, int fd,
    void (*on_ready)(struct coh_stream *stream));

/* Bytes; 0 at the peer's end; -EAGAIN; -errno. */
static inline ssize_t
coh_stream_read(struct coh_stream *stream, void *data, size_t size)
{
    ssize_t got;

    do {
        got = recv(stream->fd, data, size, 0);
    } while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

/* Bytes written (may be short); -EAGAIN; -errno. is_more: another write or a
   sendfile follows at once. */
ssize_t coh_stream_write(
    struct coh_stream *stream, const void *data, size_t size, bool is_more);
ssize_t coh_stream_writev(
    struct coh_stream *stream, const struct iovec *parts, int part_count,
    bool is_more);

/* From a file, *offset moves on. 0: the file has ended before its time. */
ssize_t coh_stream_sendfile(
    struct coh_stream *stream, int file, off_t *offset, size_t size);

/* TCP_NODELAY: send small segments at once, or not before what was sent is
   acknowledged. Turning it on sends what waits. 0 or -errno. */
int coh_stream_set_nodelay(struct coh_stream *stream, bool on);

/* Bytes already taken from the socket but not yet read (TLS); 0 when plain. */
size_t coh_stream_pending(const struct coh_stream *stream);

/* The peer has sent what was not read: closing now would reset it, and with
   that what it has not read of ours. Costs a system call. */
bool coh_stream_has_unread(const struct coh_stream *stream);

/* Wait for the socket to be readable, or writable, or neither. Costs a system
   call only when the kind of waiting changes. 0 or -errno. */
int coh_stream_wait_read(struct coh_stream *stream);
int coh_stream_wait_write(struct coh_stream *stream);
void coh_stream_wait_nothing(struct coh_stream *stream);

/* Give back what an idle stream does not need (TLS buffers). */
void coh_stream_park(struct coh_stream *stream);

/* Half-close: the peer reads end of file after what was written. */
void coh_stream_shutdown(struct coh_stream *stream);

/* shutdown(SHUT_RDWR), then close: the primary may hold a copy of the
   descriptor, and only a shutdown reaches the peer then. */
void coh_stream_close(struct coh_stream *stream);

/* Close with a reset (SO_LINGER 0). */
void coh_stream_abort(struct coh_stream *stream);

#endif
