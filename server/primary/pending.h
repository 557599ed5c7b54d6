/* Questions that are answered when something has happened: a reload's verdict,
   workers that serve. */
#ifndef COH_PRIMARY_PENDING_H
#define COH_PRIMARY_PENDING_H

#include <stdint.h>

#include "server/admin/frames.h"

struct coh_event;
struct coh_helper;

#define COH_PENDING_MAX 256

/*
 * Answer this one later. Ask before what it waits for is begun.
 *
 * value    For the outcome.
 * Returns  0; -ENOBUFS; -ENOMEM.
 */
int coh_pending_add(
    struct coh_helper *helper, const struct coh_frame_ask *ask, uint32_t value);

/* Something may have come true: look. */
void coh_pending_look(struct coh_helper *helper);

/* An event has been told. */
void coh_pending_event(
    struct coh_helper *helper, const struct coh_event *event);

/* The primary leaves: this is the last chance to answer. */
void coh_pending_end(struct coh_helper *helper);

/* Nobody waits any more. */
void coh_pending_drop(struct coh_helper *helper);

#endif
