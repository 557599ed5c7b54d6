/* The trial of a generation: connections are turned over to it as the old one
   accepts them, and the counters of both are looked at. */
#include "server/primary/canary.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/event.h"
#include "server/primary/generation.h"
#include "server/primary/reload.h"
#include "server/primary/retire.h"
#include "server/process/slot.h"

#define LOOK_MS 100

/* So long may a worker be busy, or leave what it is offered. */
#define HANGING_MS 500

#define BY_THEMSELVES                                                          \
    "workers accept by themselves, which takes the policy round_robin or "     \
    "least_conn instead"

/* --- counting ------------------------------------------------------------- */

static bool
is_long_ago(uint64_t since_ms, uint64_t now_ms)
{
    return since_ms != 0 && since_ms + HANGING_MS <= now_ms;
}

static bool
hangs(struct coh_worker *worker, const struct coh_slot *slot, uint64_t now_ms)
{
    return coh_watched_is_stuck(&worker->watched) ||
        is_long_ago(coh_watchdog_silent_since(&slot->pulse, now_ms), now_ms) ||
        is_long_ago(coh_handoff_ignored_since(&worker->peer, now_ms), now_ms);
}

static struct coh_health
measure(const struct coh_generation *generation)
{
    const struct coh_primary *primary = generation->primary;
    uint64_t now_ms = coh_monotonic_ms();
    struct coh_health health = {.counts = {0}};
    struct coh_worker *worker;

    TAILQ_FOREACH (worker, &primary->workers, link) {
        const struct coh_slot *slot =
            coh_slots_at(&primary->slots, worker->slot);

        if (worker->generation != generation) {
            continue;
        }
        for (size_t i = 0; i < generation->counter_count; i++) {
            health.counts[generation->health[i]] += slot->counters[i];
        }
        health.open_count += atomic_load_explicit(
            &slot->handoff.open_count, memory_order_relaxed);
        health.hanging_count += hangs(worker, slot, now_ms);
    }
    return health;
}

/* A worker that has ended took what it counted with it. */
static struct coh_health
measure_since(
    const struct coh_generation *generation, const struct coh_health *before)
{
    struct coh_health health = measure(generation);

    for (size_t i = 0; i < COHORT_HEALTH_COUNT; i++) {
        health.counts[i] = health.counts[i] > before->counts[i]
            ? health.counts[i] - before->counts[i]
            : 0;
    }
    return health;
}

/* --- sharing -------------------------------------------------------------- */

/* Of an old acceptor's connections some go to the one of the same address that
   the canary has, as long as its workers can take them. */
static bool
divert(
    struct coh_rotation *rotation, const struct coh_acceptor *acceptor, int fd)
{
    struct coh_generation *old =
        (struct coh_generation
             *)((char *)rotation - offsetof(struct coh_generation, rotation));
    struct coh_canary *canary = &old->primary->canary;
    struct coh_generation *next = canary->generation;
    struct coh_acceptor *twin = coh_retire_successor(next, acceptor->listener);

    if (!twin) {
        return false;
    }
    canary->share_sum += next->settings.transition.canary_percent;
    if (canary->share_sum < 100 || coh_rotation_room(&next->rotation) == 0) {
        return false;
    }
    canary->share_sum -= 100;
    coh_acceptor_hand_over(twin, fd);
    return true;
}

/* Does the primary itself hand over what comes to the addresses that both
   have? NULL; or why not. */
static const char *
check_sharing(const struct coh_generation *current, struct coh_generation *next)
{
    size_t count = 0;

    for (size_t i = 0; i < current->acceptor_count; i++) {
        const struct coh_acceptor *acceptor = &current->acceptors[i];
        const struct coh_acceptor *twin = acceptor->listener
            ? coh_retire_successor(next, acceptor->listener)
            : NULL;

        if (!twin) {
            continue;
        }
        if (acceptor->policy->worker_start || twin->policy->worker_start) {
            return BY_THEMSELVES;
        }
        count++;
    }
    return count > 0 ? NULL : "both generations have no address in common";
}

/* A new address whose workers accept by themselves would be served at once, and
   closed again if all is rolled back. */
static bool
is_handed_over(const struct coh_generation *next)
{
    for (size_t i = 0; i < next->acceptor_count; i++) {
        if (next->acceptors[i].listener &&
            next->acceptors[i].policy->worker_start) {
            return false;
        }
    }
    return true;
}

/* NULL: there can be a trial; or why not. */
static const char *
check(const struct coh_generation *current, struct coh_generation *next)
{
    if (next->target == 0) {
        return "there are worker groups alone";
    }
    if (next->primary->is_paused) {
        return "the old workers were ended by WINCH";
    }
    return is_handed_over(next) ? check_sharing(current, next) : BY_THEMSELVES;
}

/* --- the trial ------------------------------------------------------------ */

static void
on_look(evutil_socket_t fd, short what, void *user)
{
    struct coh_primary *primary = user;
    struct coh_canary *canary = &primary->canary;
    struct coh_health now = measure(canary->generation);
    struct coh_health old = measure_since(primary->current, &canary->before);
    char why[COH_CANARY_WHY_MAX];

    (void)fd;
    (void)what;
    switch (coh_canary_judge(
        &now, &old, coh_monotonic_ms() >= canary->end_ms, why)) {
    case COH_CANARY_GOOD:
        coh_reload_promote(canary->generation, why);
        break;
    case COH_CANARY_BAD:
        coh_reload_failed(canary->generation, why);
        break;
    default:
        break;
    }
}

static void
tell_begin(const struct coh_generation *next)
{
    const struct coh_transition *transition = &next->settings.transition;
    char text[96];
    const struct coh_event event = {
        .kind = COH_EVENT_RELOAD_CANARY,
        .generation = next->number,
        .text = text,
    };

    snprintf(
        text, sizeof(text),
        "gets %" PRIu32 " of 100 new connections for %" PRIu64 " ms",
        transition->canary_percent, transition->canary_ms);
    coh_event_tell(&next->primary->readers, &event);
}

static void
start_sharing(struct coh_generation *next)
{
    struct coh_primary *primary = next->primary;
    struct coh_canary *canary = &primary->canary;

    canary->generation = next;
    canary->share_sum = 0;
    canary->end_ms = coh_monotonic_ms() + next->settings.transition.canary_ms;
    canary->before = measure(primary->current);
    primary->current->rotation.divert = divert;
    coh_event_add_ms(&canary->look, LOOK_MS);
}

bool
coh_canary_begin(struct coh_generation *next, const char **why)
{
    struct coh_primary *primary = next->primary;
    const struct coh_generation *current = primary->current;
    struct coh_worker *worker;

    *why = NULL;
    if (next->settings.transition.canary_percent == 0 || !current) {
        return false;
    }
    *why = check(current, next);
    if (*why) {
        cohort_warn(
            &primary->log, "no trial for generation %" PRIu64 ": %s",
            next->number, *why);
        return false;
    }
    next->state = COH_GENERATION_TRYING;
    next->has_served = true; /* rolled back, it has clients to finish */
    TAILQ_FOREACH (worker, &primary->workers, link) {
        if (worker->generation == next) {
            coh_worker_serve(worker);
        }
    }
    start_sharing(next);
    tell_begin(next);
    return true;
}

void
coh_canary_end(struct coh_primary *primary)
{
    if (primary->canary.generation) {
        primary->canary.generation = NULL;
        primary->current->rotation.divert = NULL;
        event_del(&primary->canary.look);
    }
}

void
coh_canary_init(struct coh_primary *primary)
{
    event_assign(
        &primary->canary.look, primary->loop.base, -1, EV_PERSIST, on_look,
        primary);
}

void
coh_canary_fini(struct coh_primary *primary)
{
    event_del(&primary->canary.look);
}
