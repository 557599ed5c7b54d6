/* What a primary and its workers say to each other as Node's cluster module
   does; either side, over a Node channel. */
#ifndef COH_SERVER_CHANNEL_NODE_CLUSTER_H
#define COH_SERVER_CHANNEL_NODE_CLUSTER_H

#include "server/channel/node_call.h"
#include "server/channel/node_channel.h"
#include "server/channel/node_query.h"

/* Where a round-robin socket is bound, as the primary tells its workers. */
struct coh_node_sockname {
    struct cohort_str address;
    uint16_t port;
    bool is_v6;
};

/* An answer that came; what it points at is gone when the handler returns. */
struct coh_node_reply {
    int lost;  /* 0; else there is no answer and never will be: -EPIPE when the
                 channel has ended, -EMFILE when the peer had no room for the
                 descriptor of the question, or we had none for the answer's:
                 then there is a key, and the peer thinks that we have it */
    int error; /* 0 or -errno: what the peer's errno says */
    struct cohort_str key; /* empty if there is none */
    struct coh_json *data; /* or NULL; see coh_json_keep */
    bool has_sockname;
    struct coh_node_sockname sockname;
    bool is_accepted; /* of a connection handed over */
    int fd; /* a shared socket, or -1; a handler that keeps it writes -1 here */
};

/* A connection that a worker is offered. */
struct coh_node_connection {
    struct cohort_str key; /* of the listener */
    uint64_t seq;          /* to answer it */
    int fd;                /* a handler that keeps it writes -1 here */
};

/*
 * What one end listens to. Acts without a handler are ignored, as unknown ones
 * are. Each handler may call coh_node_cluster_fini(), but must then return at
 * once. What arguments point at is gone when the handler returns.
 */
struct coh_node_cluster_role {
    const char *peer; /* who is at the other end, for log lines */

    /* A primary's: the worker's runtime is up. */
    void (*online)(struct coh_node_cluster *cluster);

    /* It asks for a socket: answer with coh_node_cluster_answer(). A primary
       from which it is being disconnected doesn't answer. */
    void (*query)(
        struct coh_node_cluster *cluster, uint64_t seq,
        const struct coh_node_query *query);

    /* It listens; query has the real port. */
    void (*listening)(
        struct coh_node_cluster *cluster, const struct coh_node_query *query);

    /* It has closed a server. */
    void (*closed)(struct coh_node_cluster *cluster, struct cohort_str key);

    /* It leaves of its own will: coh_node_cluster_acknowledge(), then it hangs
       up. */
    void (*leaves)(struct coh_node_cluster *cluster, uint64_t seq);

    /* A worker's: coh_node_cluster_accept() or _refuse() answers it. One for
       which this process has no descriptor left is refused without asking. */
    void (*connection)(
        struct coh_node_cluster *cluster,
        struct coh_node_connection *connection);

    /* It is to close its servers, then hang up. */
    void (*disconnect)(struct coh_node_cluster *cluster);

    /* Both: a program's message. */
    void (*message)(
        struct coh_node_cluster *cluster, struct coh_node_message *message);

    /* Node's other internal messages (NODE_SOCKET_..., NODE_DEBUG_...). */
    void (*other)(
        struct coh_node_cluster *cluster, struct coh_node_message *message);

    /* After COH_NODE_PRESSURE: send on. */
    void (*drained)(struct coh_node_cluster *cluster);

    /* The channel has ended, see struct coh_node_channel_role; whoever waited
       for an answer has been told. Never NULL. */
    void (*gone)(struct coh_node_cluster *cluster);
};

struct coh_node_cluster {
    struct coh_node_channel channel; /* send, leave and reject by its functions;
                                        never fini */
    struct coh_node_channel_role channel_role;
    const struct coh_node_cluster_role *role;
    void *user;
    struct coh_node_calls calls;
};

/* Take over fd; as coh_node_channel_init. */
int coh_node_cluster_init(
    struct coh_node_cluster *cluster, struct coh_loop *loop, int fd,
    const struct coh_node_cluster_role *role, void *user,
    struct cohort_log *log);

/* Close at once; neither role->gone nor a reply handler is called. Fine
   twice. */
void coh_node_cluster_fini(struct coh_node_cluster *cluster);

/*
 * All functions below queue one message, and return what
 * coh_node_channel_send() returns: 0 and COH_NODE_PRESSURE are success. A
 * handler given to one that fails is not called.
 */

/* --- a primary says ------------------------------------------------------- */

struct coh_node_answer {
    int error;             /* 0, or -errno of bind: the worker's listen fails */
    struct cohort_str key; /* coh_node_query_key() of the query */
    struct coh_json *data; /* NULL; else what the first worker brought along */
    const struct coh_node_sockname *sockname; /* round robin: where it is bound;
                                                 NULL for unix paths */
    int fd; /* shared: the bound socket, which the worker listens on; else -1.
               Stays the caller's */
};

int coh_node_cluster_answer(
    struct coh_node_cluster *cluster, uint64_t seq,
    const struct coh_node_answer *answer);

/*
 * Hand over a connection. Several may be under way.
 *
 * fd      Stays the caller's, who keeps it until handle says is_accepted: else
 *         it is for another worker.
 * handle  Called from the loop, once.
 */
int coh_node_cluster_hand_over(
    struct coh_node_cluster *cluster, struct cohort_str key, int fd,
    coh_node_reply_handler *handle, void *user);

/* Ask the worker to close its servers and to hang up when the last connection
   has ended. */
int coh_node_cluster_disconnect(struct coh_node_cluster *cluster);

/* Answer role->leaves. */
int coh_node_cluster_acknowledge(
    struct coh_node_cluster *cluster, uint64_t seq);

/* --- a worker says -------------------------------------------------------- */

/* First of all. */
int coh_node_cluster_online(struct coh_node_cluster *cluster);

/* Ask for a socket. Without error and with a descriptor, listen on that;
   without one, connections come by role->connection under the reply's key. */
int coh_node_cluster_query(
    struct coh_node_cluster *cluster, const struct coh_node_query *query,
    coh_node_reply_handler *handle, void *user);

/* The query again, with the real port. */
int coh_node_cluster_listening(
    struct coh_node_cluster *cluster, const struct coh_node_query *query);

int coh_node_cluster_close(
    struct coh_node_cluster *cluster, struct cohort_str key);

int coh_node_cluster_accept(struct coh_node_cluster *cluster, uint64_t seq);

/* Full, or no server has this key: another worker gets the connection. */
int coh_node_cluster_refuse(struct coh_node_cluster *cluster, uint64_t seq);

/* Say that we leave of our own will; after the answer coh_node_channel_leave().
   Servers have been closed before. */
int coh_node_cluster_announce_exit(
    struct coh_node_cluster *cluster, coh_node_reply_handler *handle,
    void *user);

#endif
