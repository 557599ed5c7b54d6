/* Sockets of a site that no member has, since it has left, or since others than
   its members listened there before: the primary accepts there, for its
   members, until one comes that takes it over. */
#ifndef COH_CLUSTER_FOSTER_H
#define COH_CLUSTER_FOSTER_H

struct coh_seat;
struct coh_site;

/* A place for the seat, if the policy gives each its own: a fostered one, or a
   new one. 0 or -errno with why. */
int coh_foster_take(struct coh_seat *seat, char *why);

/* The seat's place is nobody's now. */
void coh_foster_give(struct coh_seat *seat);

/* The site's acceptor has started: sockets of the address that get connections
   and have no place here get one, fostered. Fine again and again. */
void coh_foster_adopt(struct coh_site *site);

void coh_foster_fini(struct coh_site *site);

#endif
