/* Looking after the workers of a group: replaced before they do harm, and when
   they hang. */
#ifndef COH_PRIMARY_GROUP_CARE_H
#define COH_PRIMARY_GROUP_CARE_H

#include <stdbool.h>

struct coh_group;
struct cohort_worker;

void coh_group_care_init(struct coh_group *group);
void coh_group_care_fini(struct coh_group *group);

/* A member is ready. Fine twice. */
void coh_group_care_join(struct coh_group *group, struct cohort_worker *member);

/* It leaves: it is not replaced any more, but may still hang. */
void coh_group_care_leave(struct cohort_worker *member);

/* Hooks of the cluster, of one that hangs: another one is to take its place;
   one has taken it. */
void coh_group_care_replace(struct cohort_worker *member);
bool coh_group_care_is_replaced(const struct cohort_worker *member);

/* It is gone. */
void coh_group_care_lose(struct cohort_worker *member);

#endif
