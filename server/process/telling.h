/* Messages for people, of one line or several. */
#ifndef COH_PROCESS_TELLING_H
#define COH_PROCESS_TELLING_H

#include <cohort/log.h>

/* In a log, line by line. */
void coh_telling_log(
    struct cohort_log *log, enum cohort_log_level level, const char *text);

/* While starting: on standard error and in the files of a log, in each of them
   once. */
void coh_telling_both(
    const struct cohort_log *log, enum cohort_log_level level,
    const char *text);

#endif
