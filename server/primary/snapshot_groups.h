/* What worker groups look like now, for answers. */
#ifndef COH_PRIMARY_SNAPSHOT_GROUPS_H
#define COH_PRIMARY_SNAPSHOT_GROUPS_H

#include "server/admin/frames.h"

struct coh_generation;
struct coh_group;
struct coh_helper;
struct cohort_worker;

/* One row about a program's worker. */
void coh_snapshot_fill_member(
    struct coh_part_worker *part, struct coh_group *group,
    const struct cohort_worker *member);

/* One part per group of the current generation, main first. 0 or -errno. */
int coh_snapshot_send_groups(struct coh_helper *helper, uint64_t number);

/* One part per address where a group of the current generation listens. 0 or
   -errno. */
int coh_snapshot_send_group_addresses(
    struct coh_helper *helper, uint64_t number);

/* How many programs' workers a generation has: the current one also those that
   it has kept. */
unsigned coh_snapshot_count_members(const struct coh_generation *generation);

#endif
