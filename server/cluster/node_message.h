/* Programs' messages on a Node channel, the same on both ends. */
#ifndef COH_CLUSTER_NODE_MESSAGE_H
#define COH_CLUSTER_NODE_MESSAGE_H

#include <event2/event_struct.h>
#include <stdint.h>

#include <cohort/cluster.h>

#include "server/channel/node_channel.h"
#include "server/cluster/outbox.h"

/* Who waits until messages are written: the channel does not tell, so it is
   looked at while something is queued. Marks of the outbox are counts. */
struct coh_node_sending {
    struct coh_node_channel *channel;
    struct coh_outbox *outbox;
    uint64_t count;
    struct event look;
};

void coh_node_sending_init(
    struct coh_node_sending *sending, struct coh_node_channel *channel,
    struct coh_outbox *outbox, struct coh_loop *loop);
void coh_node_sending_fini(struct coh_node_sending *sending);

/* Tell the outbox what has been sent by now: the channel is about to be closed,
   or has just been left. */
void coh_node_sending_settle(struct coh_node_sending *sending);

/* As cohort_worker_send; mark: what the outbox must reach. */
int coh_node_message_send(
    struct coh_node_sending *sending, struct cohort_str message, int fd,
    uint64_t *mark);

/* A copy with a NUL behind it, to be freed; NULL without memory. */
char *coh_node_message_copy(struct cohort_str text);

#endif
