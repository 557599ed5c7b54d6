/* A service that runs in a member: what the process engine does for its
   workers, for a program that is one of its own accord. */
#ifndef COH_CLUSTER_SERVED_H
#define COH_CLUSTER_SERVED_H

#include <cohort/cluster.h>

#include "server/command_line.h"

struct coh_cluster_self;

/* What is to run; all of it lives until release is called. */
struct coh_served_program {
    struct coh_options options;
    const struct cohort_service *service;
    bool is_passive; /* its addresses are not asked for: connections come by
                        cohort_self_serve_connection */
    void (*release)(void *owner); /* once, when it runs no more */
    void *owner;
};

/*
 * Load the service, start it, and ask the primary for its addresses. An address
 * that cannot be had ends the process, after a log line, with status 1.
 *
 * Returns  0; -EALREADY; -EINVAL or another -errno after a log line: release
 *          has been called.
 */
int coh_served_start(
    struct cohort_self *self, const struct coh_served_program *program);

/* No connection comes any more. Fine without a service. */
void coh_served_drain(struct coh_cluster_self *self);

/* It has finished what it had, or there is none. */
bool coh_served_is_idle(const struct coh_cluster_self *self);

/* End it now: logs are written, connections closed. Fine twice. */
void coh_served_stop(struct coh_cluster_self *self);

#endif
