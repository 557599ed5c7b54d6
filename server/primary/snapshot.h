/* What the primary knows, as parts of an answer. */
#ifndef COH_PRIMARY_SNAPSHOT_H
#define COH_PRIMARY_SNAPSHOT_H

#include <stdint.h>

#include "server/primary/counters.h"
#include "server/primary/worker.h"

struct coh_frame_ask;
struct coh_helper;
struct coh_primary;

/* "starting" and so on. */
const char *coh_snapshot_state_name(enum coh_worker_state state);

/* Send the parts of STATUS, WORKERS, COUNTERS or CONFIGURATION; the outcome is
   left to the caller. 0, or its result. */
int coh_snapshot_send(
    struct coh_helper *helper, const struct coh_frame_ask *ask);

/* Send what was started for whom asked: by REPLACE the worker first, by GROW as
   many of its group as were asked for, from that one on. */
int coh_snapshot_send_new(
    struct coh_helper *helper, const struct coh_frame_ask *ask, uint64_t first);

/* What the workers of this primary have counted, those that live and those that
   lived; by total. */
void coh_snapshot_sum(
    const struct coh_primary *primary, uint64_t sums[COH_TOTALS_MAX]);

#endif
