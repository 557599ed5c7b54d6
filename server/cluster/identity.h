/* Who workers become: names or numbers of a user and of groups. */
#ifndef COH_CLUSTER_IDENTITY_H
#define COH_CLUSTER_IDENTITY_H

#include <cohort/cluster.h>

#include "server/process/settings.h"

/*
 * What the members user, group and groups of settings ask for.
 *
 * identity  is_set is false when they ask for nothing.
 * setting   Set on failure to the member that is wrong, and
 * name      to what stands there.
 * Returns   0; -EINVAL: there is none of that name; -E2BIG: these are more than
 *           COH_GROUPS_MAX groups. Blocks on the system's data bases of users.
 */
int coh_identity_find(
    const struct cohort_settings *settings, struct coh_identity *identity,
    const char **setting, const char **name);

#endif
