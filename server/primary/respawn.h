/* How long to wait before a dead worker is replaced. */
#ifndef COH_PRIMARY_RESPAWN_H
#define COH_PRIMARY_RESPAWN_H

#include <stdint.h>

#define COH_RESPAWN_FREE_DEATHS 4 /* replaced at once, however short */
#define COH_RESPAWN_SHORT_MS 1000 /* a life this short counts */
#define COH_RESPAWN_LONG_MS 10000 /* a life this long resets */
#define COH_RESPAWN_DELAY_MS 100  /* the first one; doubles */
#define COH_RESPAWN_DELAY_MAX_MS 30000

#define COH_RESPAWN_PER_MINUTE 40 /* for each worker that there should be */

/* Of one place among a generation's workers; all zero at first. */
struct coh_respawn {
    unsigned short_lives; /* in a row */
    uint64_t delay_ms;    /* of the last wait; 0: none */
};

/* Of all places of a group together; all zero at first. */
struct coh_respawn_pace {
    uint64_t paid_ms; /* what has been started is paid for until then */
};

/* A worker has died after life_ms. Milliseconds until the next may start; 0: at
   once. */
uint64_t coh_respawn_delay(struct coh_respawn *respawn, uint64_t life_ms);

/*
 * The same for a group of worker_count workers, of which one has died at now_ms
 * (monotonic): all of them together may be replaced COH_RESPAWN_PER_MINUTE
 * times a minute for each, however long they lived, and as many at once after a
 * quiet minute.
 */
uint64_t coh_respawn_pace(
    struct coh_respawn_pace *pace, uint64_t now_ms, unsigned worker_count);

#endif
