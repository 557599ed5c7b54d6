/* The addresses of the admin service: opened with a generation, taken over by
   the helper when it is committed. */
#ifndef COH_PRIMARY_ADMIN_SOCKETS_H
#define COH_PRIMARY_ADMIN_SOCKETS_H

#include "server/accept/listener.h"

struct coh_generation;
struct coh_helper;

/* Open what a generation asks for. 0, or -errno and why. What nobody asked for
   may fail: that is only told. */
int coh_admin_sockets_open(
    struct coh_generation *generation, char why[COH_LISTENER_WHY_MAX]);

/* Give back what was opened for a generation and not adopted. */
void coh_admin_sockets_release(struct coh_generation *generation);

/* The helper has those of this generation from now on. */
void coh_admin_sockets_adopt(
    struct coh_helper *helper, struct coh_generation *generation);

#endif
