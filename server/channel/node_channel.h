/* A channel as Node's child processes speak it: a JSON text per line over a
   stream socket, with descriptors, never blocking (node codec). */
#ifndef COH_SERVER_CHANNEL_NODE_CHANNEL_H
#define COH_SERVER_CHANNEL_NODE_CHANNEL_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cohort/str.h>

#include "server/channel/node_lines.h"
#include "server/channel/node_queue.h"

struct coh_loop;
struct coh_node_channel;
struct cohort_log;

/* Messages handled in one turn of the loop; the others wait for the next. */
#define COH_NODE_TURN_MAX 64

/* From so many queued bytes on, senders are asked to wait (Node's mark). */
#define COH_NODE_PRESSURE_SIZE (128 * 1024)

/* What coh_node_channel_send returns then: queued all the same. */
#define COH_NODE_PRESSURE 1

/* Node sends a socket again so often when the peer had no room for it. */
#define COH_NODE_RETRIES 3

/* What a descriptor is said to be. */
enum coh_node_handle {
    COH_NODE_NO_HANDLE,
    COH_NODE_NET_NATIVE,   /* TCP or unix, listening or connected */
    COH_NODE_DGRAM_NATIVE, /* UDP */
    COH_NODE_NET_SOCKET,   /* sent by a program: a net.Socket */
    COH_NODE_NET_SERVER,   /* a net.Server */
    COH_NODE_DGRAM_SOCKET, /* a dgram.Socket */
};

struct coh_node_message {
    struct cohort_str text; /* valid JSON, nested 32 deep at most; gone when the
                               handler returns or closes the channel */
    enum coh_node_handle handle;
    int fd; /* -1 without a handle, or when this process had no room for it
               (messages of Node itself only). A handler that keeps it writes -1
               here; else it is closed */
    struct cohort_str key; /* of a net.Socket that came from a server: a JSON
                              text, else empty. Node keeps count of such sockets
                              (NODE_SOCKET_... messages) */
};

/* Called from the loop; each may call coh_node_channel_fini() and free what the
   channel is embedded in, but must then return at once. */
struct coh_node_channel_role {
    const char *peer; /* who is at the other end, for log lines: "worker" */

    /* A program's message. */
    void (*message)(
        struct coh_node_channel *channel, struct coh_node_message *message);

    /* A message whose cmd begins with NODE_, of Node itself; those of the codec
       are not among them. */
    void (*internal)(
        struct coh_node_channel *channel, struct coh_node_message *message);

    /* A descriptor that was sent with this token has been acknowledged;
       was_taken is false when the peer never got it. Not called for what is
       still under way when the channel ends. */
    void (*passed)(
        struct coh_node_channel *channel, uint64_t token, bool was_taken);

    /* After COH_NODE_PRESSURE: less than half of that is queued now. */
    void (*drained)(struct coh_node_channel *channel);

    /* The peer is gone, or sent what it must not (one log line says so), or
       coh_node_channel_leave has come to its end. The channel is closed; called
       once. */
    void (*gone)(struct coh_node_channel *channel);
};

struct coh_node_channel {
    int fd; /* -1: closed */
    const struct coh_node_channel_role *role;
    void *user;
    uint64_t peer_id; /* for log lines; 0: not known */
    struct coh_loop *loop;
    struct cohort_log *log;
    struct event read_event;
    struct event write_event;
    struct event more_event; /* lines are left from the last turn */
    struct coh_node_lines lines;
    struct coh_node_queue queue;
    bool is_pressed; /* drained is owed */
    bool is_leaving; /* nothing more is sent or delivered */
    bool has_left;   /* it was closed when all had been sent */
    bool *is_freed;  /* set by fini while a handler runs */
};

/*
 * Take over fd, a non-blocking SOCK_STREAM unix socket.
 *
 * role, loop, log  Outlive the channel. All of role's functions are set.
 * Returns          0, or -errno; fd is closed on failure.
 */
int coh_node_channel_init(
    struct coh_node_channel *channel, struct coh_loop *loop, int fd,
    const struct coh_node_channel_role *role, void *user,
    struct cohort_log *log);

/* Close at once and give everything back: what is queued is lost, descriptors
   nobody took are closed. role->gone is not called. Fine twice. */
void coh_node_channel_fini(struct coh_node_channel *channel);

/* In a forked child: close its descriptors, and those that are queued, without
   touching the loop. Fine twice. */
void coh_node_channel_forget(struct coh_node_channel *channel);

/* What a descriptor that is sent needs to say of itself. */
struct coh_node_pass {
    int fd; /* stays the caller's */
    enum coh_node_handle handle;
    bool is_pipelined; /* what is sent later does not wait for the peer's ACK;
                          Node takes that of NODE_CLUSTER messages */
    bool is_retried;   /* sent again, COH_NODE_RETRIES times, after a NACK */
    uint64_t token;    /* for role->passed */
};

/*
 * Queue one message, and send what can be sent.
 *
 * text     A program's message: any JSON but an internal one. Copied.
 * pass     NULL without a descriptor; else it travels with the message.
 * Order    Messages arrive in the order they were queued.
 * Returns  0; COH_NODE_PRESSURE (queued; wait for role->drained before more);
 *          -EINVAL when text is not JSON or Node would take it for one of its
 *          own; -EMSGSIZE beyond 1 MiB; -EPIPE when the channel is closed or
 *          being left; -ENOBUFS when the peer has stopped reading and the queue
 *          is full; -EMFILE; -ENOMEM.
 */
int coh_node_channel_send(
    struct coh_node_channel *channel, struct cohort_str text,
    const struct coh_node_pass *pass);

/* The same for a message that is Node's own, which the caller has made: text is
   not looked at. */
int coh_node_channel_send_internal(
    struct coh_node_channel *channel, struct cohort_str text,
    const struct coh_node_pass *pass);

/*
 * Leave as process.disconnect() does: what is queued is still sent, and
 * descriptors under way are acknowledged; then the channel is closed and
 * role->gone called, from the loop. Nothing that comes meanwhile is delivered.
 */
void coh_node_channel_leave(struct coh_node_channel *channel);

/* From a handler: the message breaks the protocol. One log line with why ("its
   message ..."), then the channel is closed and role->gone called. Return at
   once after it. */
void coh_node_channel_reject(struct coh_node_channel *channel, const char *why);

#endif
