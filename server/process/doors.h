/* Sockets of the admin service: who connects is led to the server that is for
   them. */
#ifndef COH_PROCESS_DOORS_H
#define COH_PROCESS_DOORS_H

#include "server/admin/frames.h"
#include "server/process/waiting_room.h"

struct coh_intake;
struct cohort_load;

/* Strangers, who come in by a read_only address or may not administrate, are
   served only as long as half of the connections are free: whoever may finds
   room, whatever they do. */
struct coh_doors {
    struct coh_intake *intake;
    struct coh_waiting_room room;    /* for strangers */
    struct event look;               /* some of them may come in */
    struct coh_frame_admin settings; /* one socket for each address */
};

/*
 * Make the intake anew: it has the sockets first, then the service's servers,
 * which have none.
 *
 * load     Its listening addresses are in the order of enum coh_admin_door.
 * Returns  0 or -errno.
 */
int coh_doors_init(
    struct coh_doors *doors, struct coh_intake *intake,
    const struct cohort_load *load);

/* Accept from these sockets, one for each address of the settings, and no
   others. fds are taken over: -1 is left in their places. 0 or -errno. */
int coh_doors_set(
    struct coh_doors *doors, const struct coh_frame_admin *settings, int *fds);

/* Accept what has connected before we leave. */
void coh_doors_finish(struct coh_doors *doors);

#endif
