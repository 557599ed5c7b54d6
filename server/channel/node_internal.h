/* What the files of the Node channel share among themselves. */
#ifndef COH_SERVER_CHANNEL_NODE_INTERNAL_H
#define COH_SERVER_CHANNEL_NODE_INTERNAL_H

#include "server/channel/node_channel.h"

/* Hand one line to whom it is for. True if the channel is still there and open
   after it. */
bool coh_node_channel_take_line(
    struct coh_node_channel *channel, struct cohort_str line);

/* Calls of handlers: between the two, channel->is_freed tells whether it is
   still there. End returns whether the channel is there and open. */
struct coh_node_guard {
    bool *outer;
    bool is_freed;
};
void coh_node_channel_enter(
    struct coh_node_channel *channel, struct coh_node_guard *guard);
bool coh_node_channel_exit(
    struct coh_node_channel *channel, struct coh_node_guard *guard);

/* Send what can be sent, come back for the rest. */
void coh_node_channel_pump(struct coh_node_channel *channel);

/* Is text an object whose cmd Node keeps for itself? command gets it, as a JSON
   text. */
bool coh_node_is_internal(struct cohort_str text, struct cohort_str *command);

/* Close, and tell the role. The channel may be freed after it. */
void coh_node_channel_end(struct coh_node_channel *channel);

#endif
