/* What the primary counts itself: among the totals, so it is shown, summed and
   handed on in an upgrade as what workers count. */
#ifndef COH_PRIMARY_TALLY_H
#define COH_PRIMARY_TALLY_H

#include <stdint.h>

#include "server/primary/events.h"

struct coh_primary;

struct coh_tally {
    struct coh_event_reader reader; /* most of it stands in events */
    /* How much of what is counted elsewhere in this process is in the
       totals. */
    uint64_t accept_errors;
    uint64_t log_lines;
};

/* Counters begin at 0 with the primary, so that their first step is seen.
   Before anything is told. */
void coh_tally_init(struct coh_primary *primary);

/* Bring the totals up to date with what no event tells. Before they are
   read. */
void coh_tally_settle(struct coh_primary *primary);

#endif
