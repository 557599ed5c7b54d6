/* Questions to a Node peer that it has not answered yet. */
#ifndef COH_SERVER_CHANNEL_NODE_CALL_H
#define COH_SERVER_CHANNEL_NODE_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#define COH_NODE_CALLS_MAX 2048 /* of one channel */

struct coh_node_cluster;
struct coh_node_reply;

/* Called once per question: with the answer, or with reply->lost. */
typedef void coh_node_reply_handler(
    struct coh_node_cluster *cluster, void *user, struct coh_node_reply *reply);

struct coh_node_call {
    TAILQ_ENTRY(coh_node_call) link;
    uint64_t seq;
    coh_node_reply_handler *handle;
    void *user;
};

TAILQ_HEAD(coh_node_call_list, coh_node_call);

struct coh_node_calls {
    struct coh_node_call_list list; /* oldest first */
    size_t count;
    uint64_t next_seq; /* of the next message, whether it asks or not */
};

void coh_node_calls_init(struct coh_node_calls *calls);

/* Forget all; no handler is called. */
void coh_node_calls_fini(struct coh_node_calls *calls);

/* Remember a question with this number: 0, -ENOBUFS or -ENOMEM. */
int coh_node_calls_add(
    struct coh_node_calls *calls, uint64_t seq, coh_node_reply_handler *handle,
    void *user);

/* Forget one; it is copied to call first. False when there is none. */
bool coh_node_calls_take(
    struct coh_node_calls *calls, uint64_t seq, struct coh_node_call *call);

/* The oldest, in the same way. */
bool coh_node_calls_take_first(
    struct coh_node_calls *calls, struct coh_node_call *call);

#endif
