/* More workers of the group main, with an environment of their own: what
   cluster.fork(env) does. */
#ifndef COH_PRIMARY_GROW_H
#define COH_PRIMARY_GROW_H

#include <cohort/str.h>

struct coh_generation;

/*
 * Whether count workers more can be had.
 *
 * environment  "NAME=VALUE", a NUL behind each; perhaps none.
 * Returns      0; -EINVAL; -ENOSPC; -EAGAIN while none are started.
 */
int coh_grow_check(
    const struct coh_generation *generation, unsigned count,
    struct cohort_str environment);

/*
 * Start them: the group is to have so many more from now on. Places that were
 * left on purpose are taken first. The environment belongs to the place:
 * whoever follows there when this worker dies or is replaced has it, too, until
 * the group is scaled below that place or the configuration is reloaded.
 *
 * Order    After coh_grow_check() said 0.
 */
void coh_grow(
    struct coh_generation *generation, unsigned count,
    struct cohort_str environment);
#endif
