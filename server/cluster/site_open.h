/* Opening what a site listens with. */
#ifndef COH_CLUSTER_SITE_OPEN_H
#define COH_CLUSTER_SITE_OPEN_H

#include "server/cluster/site.h"

/*
 * Open sockets, rotation and acceptor of a site whose query is set.
 *
 * why      Says on failure what and where.
 * Returns  0 or -errno; nothing is open then.
 */
int coh_site_open(struct coh_site *site, char why[COH_LISTENER_WHY_MAX]);

/* A UDP socket where query says, bound. As coh_site_open, but returns it.
   shares_port: with others that were opened so. */
int coh_site_open_udp(
    const struct coh_query *query, bool shares_port,
    char why[COH_LISTENER_WHY_MAX]);

/* Say in why what cannot be had. Returns reason, a -errno. */
int coh_site_fail(
    const struct coh_query *query, int reason, char why[COH_LISTENER_WHY_MAX]);

#endif
