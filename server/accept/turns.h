/* Whose turn it is when workers accept from one socket: each sees how many
   lasting connections the others have taken. */
#ifndef COH_SERVER_ACCEPT_TURNS_H
#define COH_SERVER_ACCEPT_TURNS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COH_TURNS_LINE 64 /* bytes; one writer per cache line */

/* Who is behind by more than this is so for another reason than a burst, and
   is not waited for. */
#define COH_TURNS_FAR 16

/* So long is waited for one that does not take its turn. On two busy cores,
   four workers and their first connections, 5 ms were too few one time in six:
   the others had not got a core yet. */
#define COH_TURNS_PATIENCE_US 20000

/* After so long without a look it is another burst, whose first is nobody
   else's turn. */
#define COH_TURNS_BURST_US 50000

/*
 * Shared, one per worker. Written by that worker alone, but that the primary
 * sets takes_part when it tells it to accept and clears it when it has died.
 * The others compare with it and wait a little, nothing else: what is wrong
 * here costs time, never safety.
 */
struct coh_turn {
    _Alignas(COH_TURNS_LINE) _Atomic uint32_t count; /* taken; wraps around */
    _Atomic uint32_t takes_part;                     /* accepts at the moment */
};

/* Shared by all. */
struct coh_turns_area {
    /* Nobody has been at this place or behind it so far; written by the
       primary. */
    _Alignas(COH_TURNS_LINE) _Atomic uint32_t end;
    /* So many accept there, too, and have no place; written by the primary. */
    _Atomic uint32_t outsider_count;
    struct coh_turn places[];
};

/* Programs may have been built with other ones. */
_Static_assert(
    sizeof(struct coh_turn) == COH_TURNS_LINE &&
        sizeof(struct coh_turns_area) == COH_TURNS_LINE &&
        offsetof(struct coh_turn, takes_part) == 4 &&
        offsetof(struct coh_turns_area, outsider_count) == 4,
    "part of a protocol, server/cluster/frames.h");

static inline size_t
coh_turns_area_size(unsigned place_count)
{
    return sizeof(struct coh_turns_area) +
        place_count * sizeof(struct coh_turn);
}

/* What a worker remembers of another one. */
struct coh_turns_other {
    uint32_t count; /* when we began to wait, or when it was found late */
    bool is_late;   /* until its count is another one */
};

/* A worker's own view. */
struct coh_turns {
    struct coh_turns_area *area; /* NULL: there is nobody to compare with */
    unsigned place_count;
    unsigned own;                   /* place */
    struct coh_turns_other *others; /* by place */
    bool is_waiting;
    uint64_t since_us; /* when it began to */
    uint64_t last_us;  /* the last look */
};

/*
 * See the others. The area stays the caller's, and is zeroed at first.
 *
 * Process  A worker.
 * Returns  0 or -ENOMEM (area is NULL then).
 */
int coh_turns_init(
    struct coh_turns *turns, struct coh_turns_area *area, unsigned place_count,
    unsigned own);
void coh_turns_fini(struct coh_turns *turns);

/* We accept from now on, or no more. Fine twice. */
void coh_turns_join(struct coh_turns *turns);
void coh_turns_leave(struct coh_turns *turns);

/* In the primary: a worker comes to that place; it is told to accept, and
   waited for from now on; it has left or died. The count goes on where the last
   one's ended. */
void coh_turns_come(struct coh_turns_area *area, unsigned place);
void coh_turns_expect(struct coh_turns_area *area, unsigned place);
void coh_turns_gone(struct coh_turns_area *area, unsigned place);

/* We have taken a lasting connection; or it has turned out not to be one. */
void coh_turns_count(struct coh_turns *turns);
void coh_turns_discount(struct coh_turns *turns);

/* Somebody else accepts, too. */
bool coh_turns_has_others(const struct coh_turns *turns);

/* Somebody else has taken more than we have. */
bool coh_turns_is_behind(const struct coh_turns *turns);

/*
 * Somebody who has taken less than we have is to be let go first. Call it
 * before each accept in a burst, and again until it is false.
 *
 * now_us  By a precise monotonic clock.
 */
bool coh_turns_must_wait(struct coh_turns *turns, uint64_t now_us);

/* For how long we have been waiting; 0: we are not. */
uint64_t coh_turns_waited_us(const struct coh_turns *turns, uint64_t now_us);

#endif
