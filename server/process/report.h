/* What a template tells the primary about the generation it loads. */
#ifndef COH_PROCESS_REPORT_H
#define COH_PROCESS_REPORT_H

#include <stdbool.h>

struct coh_channel;
struct cohort_load;

/* Settings, addresses, files, counters, then "loaded". 0 or -errno; what cannot
   be put into a frame has been told as an error. */
int coh_report_load(
    struct coh_channel *channel, const struct cohort_load *load);

/* An error or a warning of the configuration, for people. */
void coh_report_text(
    struct coh_channel *channel, bool is_error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The generation cannot be had, and in a few words why. */
void coh_report_failure(struct coh_channel *channel, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
