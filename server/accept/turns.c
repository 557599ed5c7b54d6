/* Whose turn it is when workers accept from one socket: counts compared. */
#include "server/accept/turns.h"

#include <errno.h>
#include <stdlib.h>

static uint32_t
count_of(const struct coh_turn *turn)
{
    return atomic_load_explicit(&turn->count, memory_order_relaxed);
}

static void
set_count(struct coh_turn *turn, uint32_t count)
{
    atomic_store_explicit(&turn->count, count, memory_order_relaxed);
}

static bool
takes_part(const struct coh_turn *turn)
{
    return atomic_load_explicit(&turn->takes_part, memory_order_relaxed) != 0;
}

static void
set_takes_part(struct coh_turn *turn, bool does)
{
    atomic_store_explicit(&turn->takes_part, does, memory_order_relaxed);
}

static struct coh_turn *
own_turn(const struct coh_turns *turns)
{
    return &turns->area->places[turns->own];
}

/* Places to look at. */
static unsigned
end_of(const struct coh_turns *turns)
{
    uint32_t end =
        atomic_load_explicit(&turns->area->end, memory_order_relaxed);

    return end < turns->place_count ? end : turns->place_count;
}

/* How far one is behind us; 0: it is not, or does not accept. */
static uint32_t
lag_of(const struct coh_turns *turns, unsigned place)
{
    const struct coh_turn *turn = &turns->area->places[place];
    int32_t lag = (int32_t)(count_of(own_turn(turns)) - count_of(turn));

    return place != turns->own && lag > 0 && takes_part(turn) ? (uint32_t)lag
                                                              : 0;
}

/* How far we are behind who has taken most. */
static uint32_t
own_lag(const struct coh_turns *turns)
{
    uint32_t count = count_of(own_turn(turns));
    unsigned end = end_of(turns);
    int32_t most = 0;

    for (unsigned i = 0; i < end; i++) {
        const struct coh_turn *turn = &turns->area->places[i];
        int32_t lag = (int32_t)(count_of(turn) - count);

        if (lag > most && takes_part(turn)) {
            most = lag;
        }
    }
    return (uint32_t)most;
}

/* Bygones: nobody waits for us any more, and neither do we catch up. */
static void
catch_up(struct coh_turns *turns)
{
    uint32_t lag = own_lag(turns);

    if (lag > COH_TURNS_FAR) {
        set_count(own_turn(turns), count_of(own_turn(turns)) + lag);
    }
}

int
coh_turns_init(
    struct coh_turns *turns, struct coh_turns_area *area, unsigned place_count,
    unsigned own)
{
    *turns = (struct coh_turns){.place_count = place_count, .own = own};
    turns->others = calloc(place_count, sizeof(*turns->others));
    if (turns->others == NULL) {
        return -ENOMEM;
    }
    turns->area = area;
    return 0;
}

void
coh_turns_fini(struct coh_turns *turns)
{
    if (turns->area != NULL) {
        coh_turns_leave(turns);
    }
    free(turns->others);
    *turns = (struct coh_turns){.area = NULL};
}

void
coh_turns_join(struct coh_turns *turns)
{
    catch_up(turns);
    set_takes_part(own_turn(turns), true);
}

void
coh_turns_leave(struct coh_turns *turns)
{
    set_takes_part(own_turn(turns), false);
}

void
coh_turns_come(struct coh_turns_area *area, unsigned place)
{
    coh_turns_gone(area, place);
    if (place >= atomic_load(&area->end)) {
        atomic_store(&area->end, place + 1);
    }
}

void
coh_turns_expect(struct coh_turns_area *area, unsigned place)
{
    set_takes_part(&area->places[place], true);
}

void
coh_turns_gone(struct coh_turns_area *area, unsigned place)
{
    set_takes_part(&area->places[place], false);
}

void
coh_turns_count(struct coh_turns *turns)
{
    set_count(own_turn(turns), count_of(own_turn(turns)) + 1);
}

void
coh_turns_discount(struct coh_turns *turns)
{
    set_count(own_turn(turns), count_of(own_turn(turns)) - 1);
}

bool
coh_turns_has_others(const struct coh_turns *turns)
{
    unsigned end = end_of(turns);

    if (atomic_load_explicit(
            &turns->area->outsider_count, memory_order_relaxed) > 0) {
        return true;
    }
    for (unsigned i = 0; i < end; i++) {
        if (i != turns->own && takes_part(&turns->area->places[i])) {
            return true;
        }
    }
    return false;
}

bool
coh_turns_is_behind(const struct coh_turns *turns)
{
    return own_lag(turns) > 0;
}

/* --- waiting -------------------------------------------------------------- */

/* Behind us, and likely to accept soon. */
static bool
is_waited_for(struct coh_turns *turns, unsigned place)
{
    struct coh_turns_other *other = &turns->others[place];
    uint32_t lag = lag_of(turns, place);

    if (other->is_late &&
        count_of(&turns->area->places[place]) != other->count) {
        other->is_late = false;
    }
    return lag > 0 && lag <= COH_TURNS_FAR && !other->is_late;
}

static bool
is_anyone_waited_for(struct coh_turns *turns)
{
    unsigned end = end_of(turns);

    for (unsigned i = 0; i < end; i++) {
        if (is_waited_for(turns, i)) {
            return true;
        }
    }
    return false;
}

static void
begin_waiting(struct coh_turns *turns, uint64_t now_us)
{
    unsigned end = end_of(turns);

    turns->is_waiting = true;
    turns->since_us = now_us;
    for (unsigned i = 0; i < end; i++) {
        if (!turns->others[i].is_late) {
            turns->others[i].count = count_of(&turns->area->places[i]);
        }
    }
}

/* Who has not moved all the while is not waited for any more. */
static void
lose_patience(struct coh_turns *turns)
{
    unsigned end = end_of(turns);

    for (unsigned i = 0; i < end; i++) {
        struct coh_turns_other *other = &turns->others[i];

        if (lag_of(turns, i) > 0 &&
            count_of(&turns->area->places[i]) == other->count) {
            other->is_late = true;
        }
    }
}

bool
coh_turns_must_wait(struct coh_turns *turns, uint64_t now_us)
{
    bool is_burst = now_us - turns->last_us <= COH_TURNS_BURST_US;

    turns->last_us = now_us;
    if (!is_burst) {
        turns->is_waiting = false;
        return false;
    }
    catch_up(turns);
    if (turns->is_waiting &&
        now_us - turns->since_us >= COH_TURNS_PATIENCE_US) {
        lose_patience(turns);
        turns->is_waiting = false;
    }
    if (!is_anyone_waited_for(turns)) {
        turns->is_waiting = false;
        return false;
    }
    if (!turns->is_waiting) {
        begin_waiting(turns, now_us);
    }
    return true;
}

uint64_t
coh_turns_waited_us(const struct coh_turns *turns, uint64_t now_us)
{
    return turns->is_waiting ? now_us - turns->since_us : 0;
}
