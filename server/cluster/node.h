/* The primary's end of a Node member's line: what the codec has, and its
   seats. */
#ifndef COH_CLUSTER_NODE_H
#define COH_CLUSTER_NODE_H

#include <stdbool.h>

#include "server/channel/node_cluster.h"
#include "server/cluster/node_message.h"

struct coh_seat;
struct cohort_worker;

struct coh_node {
    struct coh_node_cluster cluster;
    struct cohort_worker *member;
    const struct coh_node_query *asked; /* while a query is answered */
    struct coh_node_sending sending;
};

/* Is it what the member calls by this key? */
bool coh_node_seat_is_of(const struct coh_seat *seat, struct cohort_str key);

/* As in codec.h. */
int coh_node_take_seat(struct coh_seat *seat);
void coh_node_give_seat(struct coh_seat *seat);
bool coh_node_is_seat_busy(const struct coh_seat *seat);

#endif
