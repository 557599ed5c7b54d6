/* Connections that a Node primary has sent and still counts: it asks how many
   of them are open, and waits for the last one before its server is closed. */
#ifndef COH_CLUSTER_NODE_COUNTED_H
#define COH_CLUSTER_NODE_COUNTED_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include <cohort/str.h>

struct coh_loop;
struct coh_node_channel;
struct coh_node_counted_one;

struct coh_node_counted {
    struct coh_node_channel *channel;
    LIST_HEAD(, coh_node_counted_one) list;
    size_t count;      /* of the list */
    size_t sweep_at;   /* from so many on, those that were closed go */
    struct event look; /* while the primary waits for a last one */
};

/* channel and loop outlive it. */
void coh_node_counted_init(
    struct coh_node_counted *counted, struct coh_node_channel *channel,
    struct coh_loop *loop);
void coh_node_counted_fini(struct coh_node_counted *counted);

/* A connection has come with this key (a JSON text), and the program has kept
   it. */
void coh_node_counted_add(
    struct coh_node_counted *counted, struct cohort_str key, int fd);

/* An internal message, NODE_SOCKET_... or another one, which is ignored. */
void coh_node_counted_answer(
    struct coh_node_counted *counted, struct cohort_str message);

#endif
