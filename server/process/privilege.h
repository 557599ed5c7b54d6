/* Giving up what a worker does not need. */
#ifndef COH_PROCESS_PRIVILEGE_H
#define COH_PROCESS_PRIVILEGE_H

#include "server/process/settings.h"

/* Take groups, group and user of an identity, in this order. 0 or -errno; what:
   the step that failed. Async-signal-safe. */
int coh_privilege_become(
    const struct coh_identity *identity, const char **what);

/*
 * Become the identity for good (if it is one), without any capability (even as
 * root), with no way to gain anything by exec and no memory for others to read.
 *
 * Returns  0 or -errno; what: the step that failed.
 */
int coh_privilege_drop(const struct coh_identity *identity, const char **what);

#endif
