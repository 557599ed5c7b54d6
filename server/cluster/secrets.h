/* Secrets that members ask for: made by their primary, the same for all. */
#ifndef COH_CLUSTER_SECRETS_H
#define COH_CLUSTER_SECRETS_H

#include <stdint.h>

#include <cohort/str.h>

struct coh_cluster;

#define COH_CLUSTER_SECRETS_MAX 64 /* of one cluster */

/*
 * The secret of that name and size, made when it is asked for first, and kept
 * as long as the cluster.
 *
 * rotate_s  Holds from now on, for all.
 * Returns   The descriptor of its memory, which stays the cluster's; -ENOSPC
 *           beyond COH_CLUSTER_SECRETS_MAX; another -errno.
 */
int coh_cluster_secret(
    struct coh_cluster *cluster, struct cohort_str name, uint32_t size,
    uint64_t rotate_s);

/* Have those of another cluster, now and later: what is made in one is in
   both. Before the first is asked for; without memory each has its own. */
void coh_cluster_secrets_share(
    struct coh_cluster *cluster, struct coh_cluster *other);

/* The last member has gone: no event is left of them until one asks again. */
void coh_cluster_secrets_rest(struct coh_cluster *cluster);

/* Wipe them, unless another cluster has them, too. */
void coh_cluster_secrets_leave(struct coh_cluster *cluster);

/* In a forked child: close their descriptors; the memory is not there. */
void coh_cluster_secrets_forget(struct coh_cluster *cluster);

#endif
