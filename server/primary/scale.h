/* As many workers as there should be: started, replaced, drained. */
#ifndef COH_PRIMARY_SCALE_H
#define COH_PRIMARY_SCALE_H

#include <stdbool.h>
#include <stdint.h>

#include "server/primary/child.h"

struct coh_generation;
struct coh_place;

/* A worker that is gone. */
struct coh_ended_worker {
    uint64_t id;
    unsigned place;
    struct coh_exit how;
    uint64_t life_ms;
    bool was_wanted;        /* nobody had told it to leave */
    const char *last_words; /* said before it was ready; "" for none */
};

/* Prepare its places. */
void coh_scale_init(struct coh_generation *generation);

/*
 * Bring the workers of a generation to its target: start those that miss,
 * let those serve that are ready, drain those that are too many (first the
 * sockets of their own are emptied).
 */
void coh_scale_settle(struct coh_generation *generation);

/* A worker of that place has died after so long. True: the next one has to
   wait, which is told and scheduled. */
bool coh_scale_back_off(struct coh_place *place, uint64_t id, uint64_t life_ms);

/* How many workers it may have at most. */
unsigned coh_scale_max(const struct coh_generation *generation);

/* How many places wait until they may have a worker again. */
unsigned coh_scale_waiting(const struct coh_generation *generation);

/* Places that were left on purpose are to have workers again. */
void coh_scale_occupy(struct coh_generation *generation);

/* The sockets of workers that are too many are empty: they may go. */
void coh_scale_drain_surplus(struct coh_generation *generation);

/* Replace it if it is missed. May free the generation. */
void coh_scale_worker_ended(
    struct coh_generation *generation, const struct coh_ended_worker *ended);

#endif
