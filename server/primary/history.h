/* The last events, as frames, for those who ask later. */
#ifndef COH_PRIMARY_HISTORY_H
#define COH_PRIMARY_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#include "server/admin/frames.h"
#include "server/primary/events.h"

/* Events that are kept: so many, and fewer while messages make them large. */
#define COH_HISTORY_COUNT 1024
#define COH_HISTORY_BYTES (2 * 1024 * 1024)

#define COH_HISTORY_TEXT_MAX 1024 /* bytes of a text that is no message */

/* A COH_FRAME_EVENT with its text. */
struct coh_recorded {
    size_t size;
    struct coh_frame_event frame; /* the text lies behind it */
};

struct coh_history {
    uint64_t last;  /* the number of the last event; 0: there was none */
    uint64_t first; /* of those that are kept */
    size_t bytes;   /* of all of them */
    struct coh_recorded *ring[COH_HISTORY_COUNT];
};

/* Keep an event under its number, which is higher than those before. NULL when
   there is no memory: its number is left out. */
const struct coh_recorded *coh_history_add(
    struct coh_history *history, uint64_t number,
    const struct coh_event *event);

/* The event with that number; NULL: too old, or left out. */
const struct coh_recorded *coh_history_get(
    const struct coh_history *history, uint64_t number);

void coh_history_fini(struct coh_history *history);

#endif
