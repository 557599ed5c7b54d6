/* Accepting that pauses: told when it lasts, since under load it stops and goes
   on many times a second. */
#ifndef COH_PRIMARY_PAUSING_H
#define COH_PRIMARY_PAUSING_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>

struct coh_generation;

#define COH_PAUSING_TOLD_MS 500

struct coh_pausing {
    struct event look;
    uint64_t since_ms; /* if is_paused */
    bool is_paused;    /* no worker takes connections of some address */
    bool is_told;
};

/* After the rotation's. */
void coh_pausing_init(struct coh_generation *generation);
void coh_pausing_fini(struct coh_generation *generation);

#endif
