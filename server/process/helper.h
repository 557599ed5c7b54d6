/* The admin helper, from inside: an unprivileged process that serves the admin
   service on sockets of the primary. */
#ifndef COH_PROCESS_HELPER_H
#define COH_PROCESS_HELPER_H

#include <sys/types.h>

struct coh_admin;
struct coh_options;
struct cohort_service;

/* Set for the program when it is executed as the helper:
   "CHANNEL:PRIMARY_PID". */
#define COH_HELPER_ENVIRONMENT "COHORT_HELPER"

/* What the primary starts it with. */
struct coh_helper_birth {
    int channel; /* the helper's end */
    pid_t primary;
};

/* What it serves. */
struct coh_helper_program {
    const struct coh_options *options;    /* its configuration */
    const struct cohort_service *service; /* HTTP, with admin's handlers */
    struct coh_admin *admin;
};

/*
 * Serve until the primary ends it.
 *
 * Process  Executed for it, or a fork of the primary that has forgotten what is
 *          the primary's.
 * Returns  The exit status.
 */
int coh_helper_run(
    const struct coh_helper_birth *birth,
    const struct coh_helper_program *program);

#endif
