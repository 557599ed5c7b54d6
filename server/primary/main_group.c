/* What recycling and the watchdog learn of the workers of a generation, and
   have done to them. */
#include "server/primary/main_group.h"

#include <stddef.h>
#include <string.h>

#include "server/primary/dismiss.h"
#include "server/primary/generation.h"

/* A service counts what it has served in a counter whose name ends so. */
#define SERVED_SUFFIX "_requests_total"

static bool
ends_with(const char *text, const char *suffix)
{
    size_t size = strlen(text);
    size_t suffix_size = strlen(suffix);

    return size >= suffix_size &&
        strcmp(text + size - suffix_size, suffix) == 0;
}

uint64_t
coh_main_group_served(const struct coh_worker *worker)
{
    const struct coh_generation *generation = worker->generation;
    const struct coh_slot *slot =
        coh_slots_at(&worker->primary->slots, worker->slot);

    for (size_t i = 0; i < generation->counter_count; i++) {
        const struct coh_total *total =
            &worker->primary->totals.array[generation->totals[i]];

        if (total->labels[0] == '\0' && ends_with(total->name, SERVED_SUFFIX)) {
            return slot->counters[i];
        }
    }
    return 0;
}

/* --- recycling ------------------------------------------------------------ */

static struct coh_worker *
worker_of(const struct coh_recycled *recycled)
{
    return (struct coh_worker
                *)((uintptr_t)recycled - offsetof(struct coh_worker, recycled));
}

static uint64_t
served(const struct coh_recycled *recycled)
{
    return coh_main_group_served(worker_of(recycled));
}

static bool
is_settled(const struct coh_recycle *group)
{
    const struct coh_generation *generation = group->user;

    if (generation->state != COH_GENERATION_SERVING) {
        return false;
    }
    for (unsigned i = 0; i < generation->target; i++) {
        const struct coh_place *place = &generation->places[i];

        if (!place->is_vacant &&
            (!place->worker || place->worker->state != COH_WORKER_SERVING)) {
            return false;
        }
    }
    return true;
}

static int
replace(struct coh_recycled *recycled, const char *limit, const char *why)
{
    struct coh_worker *worker = worker_of(recycled);
    struct coh_worker *successor;
    int result = coh_dismiss_replace(worker, &successor);

    if (result == 0) {
        coh_worker_tell(
            worker,
            (struct coh_event){
                .kind = COH_EVENT_RECYCLE, .limit = limit, .text = why});
    }
    return result;
}

/* --- the watchdog --------------------------------------------------------- */

static struct coh_worker *
watched_worker(const struct coh_watched *watched)
{
    return (struct coh_worker
                *)((uintptr_t)watched - offsetof(struct coh_worker, watched));
}

/* A worker that never becomes ready would keep its place empty for ever. */
static uint64_t
starting_since(const struct coh_watched *watched, uint64_t now_ms)
{
    const struct coh_worker *worker = watched_worker(watched);

    (void)now_ms;
    return worker->state == COH_WORKER_STARTING ? worker->born_ms : 0;
}

static void
isolate(struct coh_watched *watched)
{
    struct coh_worker *worker = watched_worker(watched);

    if (worker->reason == COHORT_REASON_SELF) {
        worker->reason = COHORT_REASON_STUCK;
    }
    coh_rotation_remove(&worker->peer);
    coh_turns_gone(worker->primary->slots.turns, worker->slot);
}

static void
tell_stuck(struct coh_watched *watched, const char *why)
{
    coh_worker_tell(
        watched_worker(watched),
        (struct coh_event){.kind = COH_EVENT_STUCK, .text = why});
}

static void
replace_stuck(struct coh_watched *watched)
{
    struct coh_worker *successor;

    /* If that cannot be now: at the next look. */
    (void)coh_dismiss_replace(watched_worker(watched), &successor);
}

/* One that nobody was started for stays. */
static void
on_recovered(struct coh_watched *watched)
{
    struct coh_worker *worker = watched_worker(watched);
    struct coh_generation *generation = worker->generation;

    if (worker->state == COH_WORKER_DRAINING ||
        generation->places[worker->place].worker != worker) {
        return;
    }
    worker->reason = COHORT_REASON_SELF;
    if (worker->state == COH_WORKER_SERVING) {
        coh_turns_expect(worker->primary->slots.turns, worker->slot);
        coh_rotation_add(&generation->rotation, &worker->peer);
    }
}

static void
signal_stuck(struct coh_watched *watched, int number)
{
    coh_child_signal(&watched_worker(watched)->child, number);
}

static const struct coh_watched_actions watched_actions = {
    .ignored_since = starting_since,
    .isolate = isolate,
    .tell = tell_stuck,
    .replace = replace_stuck,
    .recovered = on_recovered,
    .signal = signal_stuck,
};

/* --- the group ------------------------------------------------------------ */

void
coh_main_group_init(struct coh_generation *generation)
{
    generation->recycle = (struct coh_recycle){
        .loop = &generation->primary->loop,
        .user = generation,
        .served = served,
        .is_settled = is_settled,
        .replace = replace,
    };
    coh_recycle_init(&generation->recycle);
}

void
coh_main_group_fini(struct coh_generation *generation)
{
    coh_recycle_fini(&generation->recycle);
}

/* Watched as long as it lives, but with more patience until it serves, and not
   asked anything: it could not answer yet. */
void
coh_main_group_begin(struct coh_worker *worker)
{
    const struct coh_frame_settings *settings = &worker->generation->settings;
    uint64_t limit_ms = settings->upkeep.watchdog_ms;

    if (worker->state != COH_WORKER_STARTING || worker->watched.watchdog) {
        return;
    }
    if (limit_ms > 0 && limit_ms < settings->reload_timeout_ms) {
        limit_ms = settings->reload_timeout_ms;
    }
    worker->watched = (struct coh_watched){
        .actions = &watched_actions,
        .limit_ms = limit_ms,
        .pid = worker->child.pid,
    };
    coh_watchdog_add(&worker->primary->watchdog, &worker->watched);
}

void
coh_main_group_join(struct coh_worker *worker)
{
    struct coh_generation *generation = worker->generation;
    struct coh_primary *primary = worker->primary;

    generation->recycle.limits = generation->settings.upkeep;
    coh_recycle_add(
        &generation->recycle, &worker->recycled, worker->child.pid,
        worker->born_ms);
    coh_watchdog_remove(&worker->watched);
    worker->watched = (struct coh_watched){
        .actions = &watched_actions,
        .limit_ms = generation->settings.upkeep.watchdog_ms,
        .pulse = &coh_slots_at(&primary->slots, worker->slot)->pulse,
        .answers = true,
        .peer = &worker->peer,
        .pid = worker->child.pid,
    };
    coh_watchdog_add(&primary->watchdog, &worker->watched);
}

void
coh_main_group_leave(struct coh_worker *worker)
{
    coh_recycle_remove(&worker->recycled);
}

void
coh_main_group_lose(struct coh_worker *worker)
{
    coh_recycle_remove(&worker->recycled);
    coh_watchdog_remove(&worker->watched);
}
