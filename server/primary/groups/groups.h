/* All worker groups: which ones a generation keeps, starts and leaves out. */
#ifndef COH_PRIMARY_GROUPS_H
#define COH_PRIMARY_GROUPS_H

#include <stdbool.h>

#include "server/accept/listener.h"
#include "server/primary/groups/group.h"

/*
 * Find the groups of a generation that has been loaded: those that serve and
 * are declared alike are kept, the others are started beside them.
 *
 * Returns  0; -errno with why.
 */
int coh_groups_begin(
    struct coh_generation *generation, char why[COH_LISTENER_WHY_MAX]);

/* All the workers of those that were started are ready. */
bool coh_groups_are_ready(const struct coh_generation *generation);

/* The generation serves: its groups do, and the others leave. */
void coh_groups_commit(struct coh_generation *generation);

/* The generation is dropped, and what was started for it
   (coh_group_drop). */
void coh_groups_drop(struct coh_generation *generation);

/* The primary leaves: all finish what they have, or get a signal. */
void coh_groups_quit(struct coh_primary *primary);
void coh_groups_end(struct coh_primary *primary, int number);

/* All workers of those that serve finish what they have; the groups stay, with
   their sockets. */
void coh_groups_drain(struct coh_primary *primary);

/* Others come in their places. */
void coh_groups_undrain(struct coh_primary *primary);

/* Of the current generation; NULL: none. */
struct coh_group *coh_groups_find(
    struct coh_primary *primary, const char *name);

/* The group that serves and has this address; NULL: none. */
struct coh_group *coh_groups_of_listener(
    struct coh_primary *primary, const struct coh_listener *listener);

/* The worker of that id, and its group; NULL: it is gone. */
struct cohort_worker *coh_groups_worker(
    struct coh_primary *primary, uint64_t id, struct coh_group **group);

#endif
