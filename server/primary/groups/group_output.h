/* What workers of a group print into pipes: lines of the error log. */
#ifndef COH_PRIMARY_GROUP_OUTPUT_H
#define COH_PRIMARY_GROUP_OUTPUT_H

#include <sys/queue.h>

struct coh_group;
struct coh_group_output;
struct cohort_worker;

LIST_HEAD(coh_group_outputs, coh_group_output);

/* Read our ends of a new member's pipes from now on, until they end; they are
   not the member's any more. */
void coh_group_output_add(
    struct coh_group *group, struct cohort_worker *member);

/* Log what is left, and close all. */
void coh_group_output_end(struct coh_group *group);

/* In a forked child: close them here, nothing else. */
void coh_group_output_forget(struct coh_group *group);

#endif
