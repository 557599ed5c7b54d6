/* A secret: its values lie in memory that the process which makes them writes
   and all workers read, so that a rotation needs no message, leaves no copy in
   a queue, and is seen by all at once.

   Four values stand in a ring: previous, current and next, and the place of the
   one that will be next. Rotation fills that place, moves the epoch on, and
   wipes what was previous. */
#ifndef COH_PROCESS_SECRET_H
#define COH_PROCESS_SECRET_H

#include <event2/event_struct.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cohort/cohort.h>

struct coh_loop;

#define COH_SECRET_RING 4
#define COH_SECRET_ROTATE_S (12 * 60 * 60)
#define COH_SECRET_ROTATE_MAX_S (10 * 366 * 24 * 60 * 60)

struct coh_secret_area {
    _Atomic uint64_t epoch; /* its place in the ring is the current one's */
    unsigned char values[COH_SECRET_RING][COHORT_SECRET_SIZE_MAX];
};

/* Read what a secret is: size bytes of it. Any thread, any process. */
void coh_secret_read(
    const struct coh_secret_area *area, enum cohort_secret_age age, void *out,
    size_t size);

/* --- where secrets are made ----------------------------------------------- */

struct coh_secret {
    int fd; /* of the area, for workers; -1: not made */
    struct coh_secret_area *area;
    uint64_t rotate_s;
    bool is_paused;
    uint64_t left_s; /* while it is */
    struct event timer;
};

/*
 * Make one, with random values of all ages: what is taken must never be
 * guessed.
 *
 * loop     Rotates it in time; outlives it. NULL: nobody does.
 * Returns  0 or -errno.
 */
int coh_secret_init(
    struct coh_secret *secret, struct coh_loop *loop, uint64_t rotate_s);

/*
 * Go on with one that another process has made: its values are copied, and
 * rotated here from now on, after left_s seconds for the first time. Until both
 * have rotated, what is current at one is the next or the previous at the
 * other.
 *
 * fd       Of its area; stays the caller's.
 * Returns  0 or -errno.
 */
int coh_secret_adopt(
    struct coh_secret *secret, struct coh_loop *loop, uint64_t rotate_s,
    uint64_t left_s, int fd);

/* Seconds until it is rotated. */
uint64_t coh_secret_left(const struct coh_secret *secret);

/* Rotate it now. */
void coh_secret_rotate(struct coh_secret_area *area);

/* The time to the next rotation begins now, unless it is as it was. */
void coh_secret_set_rotation(struct coh_secret *secret, uint64_t rotate_s);

/* Nobody is there who could use it: no event is left of it, and its time stands
   still; it goes on. Both are fine twice. */
void coh_secret_pause(struct coh_secret *secret);
void coh_secret_resume(struct coh_secret *secret);

/* Wipe it, for all processes, and give it back. */
void coh_secret_fini(struct coh_secret *secret);

/* --- where they are used -------------------------------------------------- */

/* Map the area behind a descriptor, which stays the caller's. NULL with errno
   set. */
const struct coh_secret_area *coh_secret_map(int fd);
void coh_secret_unmap(const struct coh_secret_area *area);

#endif
