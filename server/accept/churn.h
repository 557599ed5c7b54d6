/* Whether the connections of a worker come and go, or come and stay. */
#ifndef COH_SERVER_ACCEPT_CHURN_H
#define COH_SERVER_ACCEPT_CHURN_H

#include <stdbool.h>
#include <stdint.h>

/* So many must have come before it is judged whether they go, too; older ones
   count for less and less. */
#define COH_CHURN_MIN 8
#define COH_CHURN_MAX 64

/* After a pause of so long it is judged anew: what comes may be a burst of
   another kind. */
#define COH_CHURN_PAUSE_MS 50

/* All zero is the right beginning. */
struct coh_churn {
    uint64_t last_ms; /* when the last one came; 0: none has */
    unsigned open;    /* connections that were open then, without it */
    unsigned came;    /* lately, */
    unsigned went;    /* and how many were closed meanwhile */
};

/* One more has come; open: so many were there. now_ms is monotonic, as coarse
   as the loop's. */
void coh_churn_count(struct coh_churn *churn, unsigned open, uint64_t now_ms);

/* Half as many go as come. */
bool coh_churn_is_high(const struct coh_churn *churn);

#endif
