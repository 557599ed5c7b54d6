/* A worker, from the fork to its end. */
#ifndef COH_PROCESS_WORKER_H
#define COH_PROCESS_WORKER_H

#include <sys/types.h>

#include "server/channel/message.h"
#include "server/process/load.h"

/* What a template hands to the worker that it forks. */
struct coh_worker_birth {
    struct coh_frame_fork request;
    int channel;             /* the worker's end */
    int slots;               /* memfd */
    int words;               /* the worker's end of its last words */
    pid_t parent;            /* the primary */
    const char *environment; /* as coh_environment_add takes it */
};

/*
 * Serve until told to leave. Runs in the child; everything that is the
 * template's alone has been closed.
 *
 * Returns  The exit status. load has been given back.
 */
int coh_worker_run(
    struct cohort_load *load, const struct coh_worker_birth *birth);

#endif
