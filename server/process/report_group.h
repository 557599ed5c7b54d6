/* Telling the primary which worker groups there are. */
#ifndef COH_PROCESS_REPORT_GROUP_H
#define COH_PROCESS_REPORT_GROUP_H

struct coh_channel;
struct cohort_load;

/* One frame per group. 0 or -errno. */
int coh_report_groups(
    struct coh_channel *channel, const struct cohort_load *load);

#endif
