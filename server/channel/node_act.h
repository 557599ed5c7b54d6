/* A cluster message that came from a Node peer, and where it goes. */
#ifndef COH_SERVER_CHANNEL_NODE_ACT_H
#define COH_SERVER_CHANNEL_NODE_ACT_H

#include <stdbool.h>
#include <stdint.h>

struct coh_json;
struct coh_node_cluster;
struct coh_node_message;

struct coh_node_act {
    const struct coh_json *json;      /* the whole message */
    struct coh_node_message *message; /* its descriptor */
    uint64_t seq;
    bool has_seq;
};

/* Hand an act to the role's handler; unknown ones are ignored, malformed ones
   end the channel. The cluster may be gone after it. */
void coh_node_act_take(
    struct coh_node_cluster *cluster, const struct coh_node_act *act);

#endif
