/* To whom an address belongs: one socket serves the workers of one group. */
#ifndef COH_PRIMARY_GROUP_ADDRESS_H
#define COH_PRIMARY_GROUP_ADDRESS_H

#include "core/addr.h"
#include "server/accept/listener.h"

struct coh_cluster;
struct coh_generation;
struct coh_group;
struct coh_query;

/*
 * May a group listen there, in the generation that it is started for, or in the
 * current one?
 *
 * why      Says on failure to whom it belongs.
 * Returns  0; -EADDRINUSE.
 */
int coh_group_address_check(
    const struct coh_group *group, const struct coh_addr *address,
    char why[COH_LISTENER_WHY_MAX]);

/* The same of its cluster, after a log line: what a cluster asks before it
   opens what a member wants. A descriptor of the primary must be none of those
   that the server listens on itself, nor lead to an address of somebody
   else's. */
int coh_group_address_claim(
    struct coh_cluster *cluster, const struct coh_query *query);

/* Does a group that is kept have what the generation asks for? As
   coh_group_address_check. */
int coh_group_address_check_kept(
    const struct coh_group *group, const struct coh_generation *generation,
    char why[COH_LISTENER_WHY_MAX]);

#endif
