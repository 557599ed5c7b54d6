/* What a primary hands to the next one over their socket pair, before anything
   else is said there: a state, and descriptors. */
#ifndef COH_PRIMARY_HANDOVER_H
#define COH_PRIMARY_HANDOVER_H

#include <stddef.h>
#include <sys/types.h>

#include "server/primary/upgrade/upgrade_state.h"

/* The new one finds its end of the socket pair, its real standard error, and
   the process that started it here: "CHANNEL:STDERR:PID". */
#define COH_HANDOVER_ENVIRONMENT "COHORT_UPGRADE"

struct coh_handover {
    int channel;    /* -1: taken over by who goes on with it */
    int own_stderr; /* what standard error is now, is read by who started us */
    pid_t from;
    int numbers; /* numbers.h; -1: taken over */
    int *fds;    /* of the listeners in the state; those taken over are -1 */
    size_t fd_count;
    void *state; /* records, checked to begin well (coh_state_open) */
    size_t state_size;
};

/*
 * Send a state and descriptors, which stay open here. The other end may not
 * have been opened yet.
 *
 * Returns  0; -EAGAIN when the socket has no room for so many; -errno.
 */
int coh_handover_send(
    int channel, int state, int numbers, const int *fds, size_t fd_count);

/*
 * Receive what the environment says.
 *
 * Process  The new primary, before anything is forked. Blocks for 10 s at most.
 * Returns  NULL: nothing is handed over. *why is set to NULL then; or to why
 *          not (static memory), and the process had better end.
 */
struct coh_handover *coh_handover_receive(const char **why);

/* From now on errors go where they would have gone without an upgrade. */
void coh_handover_restore_stderr(struct coh_handover *handover);

/* Close and free what nobody has taken over. NULL is fine. */
void coh_handover_free(struct coh_handover *handover);

#endif
