/* Lines that an access log did not take: counted, and told when it begins, once
   a minute, and how many they were when it is over. */
#ifndef COH_HTTP_LOG_LOSS_H
#define COH_HTTP_LOG_LOSS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cohort/cohort.h>

struct coh_loop;

struct coh_log_loss {
    struct cohort_log *log; /* where it is told */
    const struct coh_loop *loop;
    struct cohort_str path; /* of the log that takes no more */
    uint64_t *total;        /* counts all of them */
    uint64_t dropped;       /* lines since it was last said how many */
    uint64_t told_ms;       /* when something was last said of them */
    bool is_told;           /* that it began: its end is told, too */
};

/* These lines are dropped, for that reason; the first may be a rest. */
void coh_log_loss_add(
    struct coh_log_loss *loss, const char *lines, size_t size,
    const char *reason);

/* Everything is written again. */
void coh_log_loss_end(struct coh_log_loss *loss);

/* The log is written to no more. */
void coh_log_loss_leave(struct coh_log_loss *loss);

#endif
