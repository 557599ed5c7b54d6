/* What the primary says to a worker. */
#ifndef COH_PROCESS_WORKER_FRAMES_H
#define COH_PROCESS_WORKER_FRAMES_H

#include "server/channel/channel.h"

/* What may come when, and what it does to the worker: the channel's user is its
   struct cohort_self. */
extern const struct coh_channel_role coh_worker_self_role;

#endif
