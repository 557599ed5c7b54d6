/* Connections of a generation that were closed because nobody could take them:
   counted, and told as one event per second. */
#ifndef COH_PRIMARY_DROPPING_H
#define COH_PRIMARY_DROPPING_H

#include <event2/event_struct.h>
#include <stdint.h>

struct coh_generation;

struct coh_dropping {
    uint64_t count; /* not told yet */
    struct event look;
};

/* Watch the generation's rotation. */
void coh_dropping_init(struct coh_generation *generation);

/* Tell what is left. After the rotation's end. */
void coh_dropping_fini(struct coh_generation *generation);

#endif
