/* Questions that are answered when something has happened: a reload's verdict,
   workers that serve. */
#ifndef COH_PRIMARY_PENDING_H
#define COH_PRIMARY_PENDING_H

#include <stdint.h>
#include <sys/queue.h>

#include "server/admin/frames.h"
#include "server/primary/events.h"

struct coh_asker;
struct coh_primary;

#define COH_PENDING_MAX 256 /* of each who asks */

TAILQ_HEAD(coh_pending_list, coh_pending);

/* All of a primary. */
struct coh_pendings {
    struct coh_event_reader reader;
    struct coh_pending_list list; /* in the order in which they were asked */
};

/* From now on events are looked at. After the other readers have joined: who
   asks has heard of what happened when the answer comes. */
void coh_pending_init(struct coh_primary *primary);

/*
 * Answer this one later. Ask before what it waits for is begun.
 *
 * value    For the outcome.
 * Returns  0; -ENOBUFS; -ENOMEM.
 */
int coh_pending_add(
    struct coh_asker *asker, const struct coh_frame_ask *ask, uint32_t value);

/* Something may have come true: look. */
void coh_pending_look(struct coh_primary *primary);

/* The primary leaves: this is the last chance to answer. */
void coh_pending_end(struct coh_primary *primary);

/* This one waits for nothing any more. */
void coh_pending_drop(struct coh_asker *asker);

#endif
