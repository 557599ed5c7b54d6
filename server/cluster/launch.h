/* Starting the program of a worker. */
#ifndef COH_CLUSTER_LAUNCH_H
#define COH_CLUSTER_LAUNCH_H

#include <stdint.h>
#include <sys/types.h>

#include "server/cluster/settings.h"
#include "server/cluster/stdio.h"

/* What went wrong in the child, told through a pipe. */
struct coh_launch_failure {
    int32_t error; /* -errno */
    char what[64]; /* "start", "change to the folder" ... */
};

struct coh_launch {
    /* Set by the caller. */
    const struct coh_cluster_settings *settings;
    const char *const *environment; /* of this worker alone; NULL: none */
    uint64_t worker_id;
    int inspect_port; /* -1: none */
    struct coh_cluster_stdio stdio;

    /* Made by coh_launch_run. */
    pid_t pid;
    int pidfd;
    int report; /* where a struct coh_launch_failure comes if it fails */
};

/*
 * Fork and execute. Returns when there is a process; whether it could be
 * started is told by report (coh_launch_failed), so nothing is waited for.
 *
 * Returns  0; -errno: there is no process.
 */
int coh_launch_run(struct coh_launch *launch);

/* True when the program could not be started. Does not block: to be asked when
   the process or its channel has ended. */
bool coh_launch_failed(int report, struct coh_launch_failure *failure);

#endif
