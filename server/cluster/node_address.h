/* Addresses between Node's words and ours. */
#ifndef COH_CLUSTER_NODE_ADDRESS_H
#define COH_CLUSTER_NODE_ADDRESS_H

#include "server/channel/node_cluster.h"
#include "server/cluster/query.h"

/* What a Node worker asks for. 0; -EINVAL; -ENAMETOOLONG. */
int coh_node_address_read(
    const struct coh_node_query *asked, struct coh_query *query);

/* The same question in Node's words; text holds its address. */
void coh_node_address_write(
    const struct coh_query *query, struct coh_node_query *asked,
    char text[COH_ADDR_TEXT_MAX]);

/* Where a socket is bound, for a worker; false for unix paths. */
bool coh_node_sockname_fill(
    const struct coh_addr *bound, struct coh_node_sockname *sockname,
    char text[COH_ADDR_TEXT_MAX]);

/* What a primary said of it. 0 or -EINVAL. */
int coh_node_sockname_read(
    const struct coh_node_sockname *sockname, struct coh_addr *bound);

/* What a descriptor is, for one who gets it. */
enum coh_node_handle coh_node_handle_of(int fd);

#endif
