/* What this process is in a cluster: a primary, or a worker that was told so in
   its environment. */
#ifndef COH_CLUSTER_ROLE_H
#define COH_CLUSTER_ROLE_H

#include <stdbool.h>
#include <stdint.h>

#define COH_ROLE_WORKER_ID "COHORT_WORKER_ID"
#define COH_ROLE_CHANNEL_FD "COHORT_CHANNEL_FD"

struct coh_role {
    bool is_worker;
    bool is_node;       /* of a Node primary: Node's protocol */
    uint64_t worker_id; /* 0: no worker */
    int channel;        /* the worker's end, until it is taken; -1 after */
};

/* Decided before main() runs. */
struct coh_role *coh_role(void);

/* Is "NAME=value" what tells a process its role? Not to be inherited. */
bool coh_role_is_variable(const char *entry);

#endif
