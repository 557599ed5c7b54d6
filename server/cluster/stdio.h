/* The descriptors that a worker starts with, by its stdio list. */
#ifndef COH_CLUSTER_STDIO_H
#define COH_CLUSTER_STDIO_H

#include <stdbool.h>

#include "server/cluster/settings.h"

struct coh_cluster_stdio {
    unsigned count;
    int theirs[COHORT_STDIO_MAX];   /* -1: closed */
    int ours[COHORT_STDIO_MAX];     /* our ends of pipes; -1: none */
    bool is_lent[COHORT_STDIO_MAX]; /* theirs stays open here */
};

/*
 * Open what the list asks for.
 *
 * channel  The worker's end, taken over on success; -1: none.
 * Returns  0, or -errno after a log line; nothing is left open then.
 */
int coh_cluster_stdio_open(
    struct coh_cluster_stdio *stdio,
    const struct coh_cluster_settings *settings, int channel,
    struct cohort_log *log);

/* After the fork, in the primary: the worker's ends. */
void coh_cluster_stdio_close_theirs(struct coh_cluster_stdio *stdio);

/* All of it. */
void coh_cluster_stdio_close(struct coh_cluster_stdio *stdio);

/* In the child: put each at its number. other: a descriptor that must stay,
   moved out of the way. 0 or -errno. Async-signal-safe. */
int coh_cluster_stdio_install(struct coh_cluster_stdio *stdio, int *other);

#endif
