/* Coarse deadlines in a hashed wheel: an entry stands in the slot that ends at
   or after its time, and is looked at when the wheel has passed that end. */
#include "core/timer.h"

#include <stddef.h>

#define TURN_MS ((uint64_t)COH_WHEEL_SLOT_MS * COH_WHEEL_SLOT_COUNT)

/* The end of the slot that ms falls into; itself, if it is one. */
static uint64_t
slot_end(uint64_t ms)
{
    return (ms + COH_WHEEL_SLOT_MS - 1) / COH_WHEEL_SLOT_MS * COH_WHEEL_SLOT_MS;
}

static struct coh_deadline_list *
slot_at(struct coh_wheel *wheel, uint64_t end_ms)
{
    return &wheel->slots[end_ms / COH_WHEEL_SLOT_MS % COH_WHEEL_SLOT_COUNT];
}

void
coh_wheel_init(
    struct coh_wheel *wheel, uint64_t now_ms,
    void (*on_due)(struct coh_deadline *deadline),
    void (*on_first)(struct coh_wheel *wheel, void *user), void *user)
{
    for (size_t i = 0; i < COH_WHEEL_SLOT_COUNT; i++) {
        LIST_INIT(&wheel->slots[i]);
    }
    wheel->passed_ms = now_ms / COH_WHEEL_SLOT_MS * COH_WHEEL_SLOT_MS;
    wheel->count = 0;
    wheel->on_due = on_due;
    wheel->on_first = on_first;
    wheel->user = user;
}

static void
put_in(struct coh_wheel *wheel, struct coh_deadline *deadline, uint64_t end_ms)
{
    LIST_INSERT_HEAD(slot_at(wheel, end_ms), deadline, link);
    deadline->filed_ms = end_ms;
}

static void
take_out(struct coh_deadline *deadline)
{
    LIST_REMOVE(deadline, link);
    deadline->filed_ms = 0;
}

/* Where an entry for at_ms belongs: not into what has passed already. */
static uint64_t
end_for(const struct coh_wheel *wheel, uint64_t at_ms)
{
    uint64_t end_ms = slot_end(at_ms);

    return end_ms > wheel->passed_ms ? end_ms
                                     : wheel->passed_ms + COH_WHEEL_SLOT_MS;
}

void
coh_wheel_file(
    struct coh_wheel *wheel, struct coh_deadline *deadline, uint64_t at_ms)
{
    uint64_t end_ms = end_for(wheel, at_ms);

    deadline->at_ms = at_ms;
    if (deadline->filed_ms == end_ms) {
        return;
    }
    if (deadline->filed_ms != 0) {
        take_out(deadline);
        put_in(wheel, deadline, end_ms);
        return;
    }
    put_in(wheel, deadline, end_ms);
    if (wheel->count++ == 0) {
        wheel->on_first(wheel, wheel->user);
    }
}

void
coh_deadline_clear(struct coh_wheel *wheel, struct coh_deadline *deadline)
{
    deadline->at_ms = 0;
    if (deadline->filed_ms != 0) {
        take_out(deadline);
        wheel->count--;
    }
}

/* Its slot has passed: it is due, or was put off meanwhile, or stopped. */
static void
look_at(struct coh_wheel *wheel, struct coh_deadline *deadline, uint64_t now_ms)
{
    uint64_t filed_ms = deadline->filed_ms;
    uint64_t at_ms = deadline->at_ms;

    take_out(deadline);
    if (filed_ms > wheel->passed_ms) {
        put_in(wheel, deadline, filed_ms); /* of a later turn */
        return;
    }
    if (at_ms > now_ms) {
        put_in(wheel, deadline, end_for(wheel, at_ms));
        return;
    }
    wheel->count--;
    deadline->at_ms = 0;
    if (at_ms != 0) {
        wheel->on_due(deadline);
    }
}

static void
move_list(struct coh_deadline_list *to, struct coh_deadline_list *from)
{
    *to = *from;
    LIST_INIT(from);
    if (LIST_FIRST(to) != NULL) {
        LIST_FIRST(to)->link.le_prev = &LIST_FIRST(to);
    }
}

/* The list is moved away first, so that on_due may file and clear any entry,
   of this slot too. */
static void
empty_slot(
    struct coh_wheel *wheel, struct coh_deadline_list *slot, uint64_t now_ms)
{
    struct coh_deadline_list waiting;
    struct coh_deadline *deadline;

    move_list(&waiting, slot);
    while ((deadline = LIST_FIRST(&waiting)) != NULL) {
        look_at(wheel, deadline, now_ms);
    }
}

bool
coh_wheel_tick(struct coh_wheel *wheel, uint64_t now_ms)
{
    uint64_t last_ms = now_ms / COH_WHEEL_SLOT_MS * COH_WHEEL_SLOT_MS;

    /* After a long rest a single turn sees every slot. */
    if (wheel->count > 0 && last_ms > wheel->passed_ms + TURN_MS) {
        wheel->passed_ms = last_ms - TURN_MS;
    }
    while (wheel->count > 0 && wheel->passed_ms < last_ms) {
        wheel->passed_ms += COH_WHEEL_SLOT_MS;
        empty_slot(wheel, slot_at(wheel, wheel->passed_ms), now_ms);
    }
    if (wheel->count == 0 && wheel->passed_ms < last_ms) {
        wheel->passed_ms = last_ms;
    }
    return wheel->count > 0;
}
