/* Sockets of a reuseport site whose member has left: the primary accepts there,
   for others, until the next one comes. */
#ifndef COH_CLUSTER_FOSTER_H
#define COH_CLUSTER_FOSTER_H

struct coh_seat;
struct coh_site;

/* A place for the seat: a fostered one, or a new one. 0 or -errno with why. */
int coh_foster_take(struct coh_seat *seat, char *why);

/* The seat's place is nobody's now. */
void coh_foster_give(struct coh_seat *seat);

void coh_foster_fini(struct coh_site *site);

#endif
