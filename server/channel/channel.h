/* The socket pair between the primary and one process that it started: frames
   with descriptors, both ways, never blocking (native codec). */
#ifndef COH_SERVER_CHANNEL_CHANNEL_H
#define COH_SERVER_CHANNEL_CHANNEL_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <sys/uio.h>

#include "server/channel/frame.h"
#include "server/channel/queue.h"

struct coh_loop;
struct cohort_log;
struct coh_channel;

/*
 * A message has come. NULL: the peer is gone, or sent what it must not and was
 * cut off (one log line says so); the channel is closed, nothing more comes.
 * May call coh_channel_fini() and free what the channel is embedded in.
 */
typedef void coh_channel_handler(
    struct coh_channel *channel, struct coh_message *message);

/* One type of frame that a role accepts. */
struct coh_channel_rule {
    uint16_t type;
    const char *name;
    unsigned states; /* bits of channel->state in which it may come */
    size_t min_size; /* bytes */
    size_t max_size; /* at most COH_MESSAGE_MAX */
    size_t min_fds;
    size_t max_fds;    /* at most COH_FDPASS_MAX */
    bool may_lose_fds; /* when this process has no descriptor left, the frame
                          is delivered without any; others end the channel */
    coh_channel_handler *handle;
};

/* What one end of a channel accepts; everything else closes it. */
struct coh_channel_role {
    const char *peer; /* who is at the other end, for log lines: "worker" */
    const struct coh_channel_rule *rules;
    size_t rule_count;
    coh_channel_handler *gone; /* called once, with NULL */
    coh_channel_handler *sent; /* some of the queue has been sent; called with
                                  NULL, from the loop; may call fini, too.
                                  NULL: nobody asks */
};

/* The state that a channel starts in; the others are the role's own bits. */
#define COH_CHANNEL_NEW 1U

struct coh_channel {
    int fd;         /* -1: closed */
    unsigned state; /* one bit; the handlers of the role move it on */
    const struct coh_channel_role *role;
    void *user;
    uint64_t peer_id; /* for log lines; 0: not known */
    struct coh_loop *loop;
    struct cohort_log *log;
    struct event read_event;
    struct event write_event;
    struct coh_queue queue;
    struct coh_frame_header *partial; /* a frame that comes in fragments */
    size_t partial_size;              /* what has come of it */
    uint16_t last_type;               /* handled last */
    bool *is_freed;                   /* set by fini while a handler runs */
};

/*
 * Take over fd, a non-blocking SOCK_SEQPACKET socket.
 *
 * loop    NULL makes it synchronous: nothing is delivered but inside
 *         coh_channel_wait, and coh_channel_send waits for room.
 * Returns 0, or -errno; fd is closed on failure.
 */
int coh_channel_init(
    struct coh_channel *channel, struct coh_loop *loop, int fd,
    const struct coh_channel_role *role, void *user, struct cohort_log *log);

/* Close and give everything back. role->gone is not called. Fine twice. */
void coh_channel_fini(struct coh_channel *channel);

/* In a forked child: close its descriptors, and those that are queued, without
   touching the loop. Fine twice. */
void coh_channel_forget(struct coh_channel *channel);

/*
 * Queue one message.
 *
 * data     Copied before return.
 * fds      Stay the caller's: sent at once or duplicated.
 * Order    Messages arrive in the order they were queued.
 * Returns  0; -EMSGSIZE; -EPIPE when the peer is gone; -ENOBUFS when it has
 *          stopped reading and the queue is full; -EMFILE.
 */
int coh_channel_send(
    struct coh_channel *channel, uint16_t type, const void *data, size_t size);
int coh_channel_send_fds(
    struct coh_channel *channel, uint16_t type, const void *data, size_t size,
    const int *fds, size_t fd_count);

/* The same from several parts that lie one behind the other. */
int coh_channel_sendv(
    struct coh_channel *channel, uint16_t type, const struct iovec *parts,
    size_t part_count, const int *fds, size_t fd_count);

/* Send one message that fits a packet now or not at all: -EAGAIN when others
   wait before it or the peer's socket is full. Nothing is duplicated. */
int coh_channel_send_now(
    struct coh_channel *channel, uint16_t type, const void *data, size_t size,
    const int *fds, size_t fd_count);

/* True while messages are queued. */
bool coh_channel_is_pending(const struct coh_channel *channel);

/* Try to send what is queued, before leaving: 0, -EAGAIN, -EPIPE. */
int coh_channel_flush(struct coh_channel *channel);

/*
 * Synchronous channels: wait for the next packet and deliver its frames.
 *
 * timeout_ms  -1: for ever.
 * Returns     0; -ETIMEDOUT; -EPIPE when the peer is gone (role->gone was
 *             called).
 */
int coh_channel_wait(struct coh_channel *channel, int timeout_ms);

/* The same, until a frame of this type has been handled. */
int coh_channel_wait_for(
    struct coh_channel *channel, uint16_t type, int timeout_ms);

/* From a handler: the message breaks the protocol. One log line with why, then
   the channel is closed and role->gone is called. Return at once after it. */
void coh_channel_reject(struct coh_channel *channel, const char *why);

#endif
