/* Coarse deadlines, one per connection, in a hashed wheel of 250 ms slots. */
#ifndef COH_CORE_TIMER_H
#define COH_CORE_TIMER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#define COH_WHEEL_SLOT_MS 250
#define COH_WHEEL_SLOT_COUNT 512 /* 128 s a turn; later ones pass by again */

struct coh_loop;

/* Embedded, zeroed, in what has a deadline. */
struct coh_deadline {
    LIST_ENTRY(coh_deadline) link;
    uint64_t at_ms;    /* when it is due; 0: never */
    uint64_t filed_ms; /* the end of the slot it stands in; 0: in none */
};

LIST_HEAD(coh_deadline_list, coh_deadline);

struct coh_wheel {
    struct coh_deadline_list slots[COH_WHEEL_SLOT_COUNT];
    uint64_t passed_ms; /* slots up to here have been looked at */
    unsigned count;     /* filed entries */
    void (*on_due)(struct coh_deadline *deadline);
    void (*on_first)(struct coh_wheel *wheel, void *user);
    void *user;
};

/*
 * on_due    Called for each deadline that has passed, after it was taken out.
 * on_first  Called when the wheel gets its first entry: start the tick. The
 *           tick stops when coh_wheel_tick says so.
 */
void coh_wheel_init(
    struct coh_wheel *wheel, uint64_t now_ms,
    void (*on_due)(struct coh_deadline *deadline),
    void (*on_first)(struct coh_wheel *wheel, void *user), void *user);

/* File an entry for at_ms, slow path of coh_deadline_set. */
void coh_wheel_file(
    struct coh_wheel *wheel, struct coh_deadline *deadline, uint64_t at_ms);

/* Change when a deadline is due. Later than before: one store, and the wheel
   files it anew when it comes by. Earlier by a slot or more: filed now. */
static inline void
coh_deadline_set(
    struct coh_wheel *wheel, struct coh_deadline *deadline, uint64_t at_ms)
{
    if (deadline->filed_ms != 0 &&
        at_ms + COH_WHEEL_SLOT_MS > deadline->filed_ms) {
        deadline->at_ms = at_ms;
        return;
    }
    coh_wheel_file(wheel, deadline, at_ms);
}

/* Nothing is due any more: one store. The entry stays filed until the wheel
   comes by or coh_deadline_clear. */
static inline void
coh_deadline_stop(struct coh_deadline *deadline)
{
    deadline->at_ms = 0;
}

/* Take it out; needed before its memory goes. */
void coh_deadline_clear(struct coh_wheel *wheel, struct coh_deadline *deadline);

/* Look at all slots up to now. Returns false when nothing is filed any more:
   the caller stops ticking. */
bool coh_wheel_tick(struct coh_wheel *wheel, uint64_t now_ms);

#endif
