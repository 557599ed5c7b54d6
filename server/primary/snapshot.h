/* What the primary knows, as parts of an answer. */
#ifndef COH_PRIMARY_SNAPSHOT_H
#define COH_PRIMARY_SNAPSHOT_H

#include <stdint.h>

#include "server/primary/worker.h"

struct coh_frame_ask;
struct coh_helper;

/* "starting" and so on. */
const char *coh_snapshot_state_name(enum coh_worker_state state);

/* Send the parts of STATUS, WORKERS, COUNTERS or CONFIGURATION; the outcome is
   left to the caller. 0, or its result. */
int coh_snapshot_send(
    struct coh_helper *helper, const struct coh_frame_ask *ask);

/* Send the workers whose ids are first or higher, to whom asked for them. */
int coh_snapshot_send_new(
    struct coh_helper *helper, const struct coh_frame_ask *ask, uint64_t first);

#endif
