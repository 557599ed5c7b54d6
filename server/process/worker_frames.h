/* What the primary says to a worker. */
#ifndef COH_PROCESS_WORKER_FRAMES_H
#define COH_PROCESS_WORKER_FRAMES_H

#include "server/channel/channel.h"

struct cohort_self;

/* What may come when, and what it does to the worker: the channel's user is its
   struct cohort_self. */
extern const struct coh_channel_role coh_worker_self_role;

/* The worker drains, whoever has told it to: the primary learns that it accepts
   no more. */
void coh_worker_say_draining(struct cohort_self *self);

#endif
