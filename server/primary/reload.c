/* The transaction: begin, open what was declared, start workers, commit or
   drop; one verdict. */
#include "server/primary/reload.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "core/event.h"
#include "server/primary/canary.h"
#include "server/primary/generation.h"
#include "server/primary/groups/groups.h"
#include "server/primary/old_generations.h"
#include "server/primary/opening.h"
#include "server/primary/retire.h"
#include "server/primary/scale.h"

#define START_TIMEOUT_MS 60000 /* before any configuration says otherwise */

static unsigned
count_ready(const struct coh_generation *generation)
{
    unsigned count = 0;

    for (unsigned i = 0; i < generation->target; i++) {
        const struct coh_worker *worker = generation->places[i].worker;

        count += worker && worker->state == COH_WORKER_READY;
    }
    return count;
}

static void
on_deadline(evutil_socket_t fd, short what, void *user)
{
    struct coh_primary *primary = user;
    const struct coh_generation *next = primary->next;
    char why[96] = "reload_timeout is over before its configuration is loaded";

    (void)fd;
    (void)what;
    if (next->state != COH_GENERATION_LOADING) {
        snprintf(
            why, sizeof(why),
            "reload_timeout is over when %u of its %u workers are ready",
            count_ready(next), next->target);
    }
    coh_reload_failed(primary->next, why);
}

static void
on_wanted(evutil_socket_t fd, short what, void *user)
{
    (void)fd;
    (void)what;
    coh_reload_begin_wanted(user);
}

void
coh_reload_init(struct coh_primary *primary)
{
    event_assign(
        &primary->reload_wanted, primary->loop.base, -1, 0, on_wanted, primary);
    event_assign(
        &primary->reload_deadline, primary->loop.base, -1, 0, on_deadline,
        primary);
}

void
coh_reload_fini(struct coh_primary *primary)
{
    event_del(&primary->reload_deadline);
    event_del(&primary->reload_wanted);
}

/* --- begin ---------------------------------------------------------------- */

static void
start_deadline(struct coh_primary *primary)
{
    uint64_t limit_ms = primary->current
        ? primary->current->settings.reload_timeout_ms
        : START_TIMEOUT_MS;

    coh_event_add_ms(&primary->reload_deadline, limit_ms);
}

/* Sockets that are being emptied belong to a generation that has been replaced,
   or to workers that are too many; the next one must not find them half
   closed. */
bool
coh_reload_is_busy(const struct coh_primary *primary)
{
    const struct coh_generation *generation;

    if (primary->current && primary->current->leaving_count > 0) {
        return true;
    }
    TAILQ_FOREACH (generation, &primary->generations, link) {
        if (generation->state == COH_GENERATION_RETIRING &&
            generation->leaving_count > 0) {
            return true;
        }
    }
    return primary->next != NULL;
}

static void
begin_first(struct coh_primary *primary)
{
    primary->next = coh_generation_new(primary);
    if (primary->next) {
        start_deadline(primary);
    } else {
        coh_primary_start_failed(primary);
    }
}

static void
begin_next(struct coh_primary *primary, bool is_forced)
{
    struct coh_event event = {
        .kind = COH_EVENT_RELOAD_BEGIN,
        .generation = atomic_load(&primary->numbers.words->generation) + 1,
    };
    char why[COH_LISTENER_WHY_MAX] = "no template can be started";

    coh_event_tell(&primary->readers, &event);
    if (coh_old_generations_make_room(primary, is_forced, why, sizeof(why)) ==
        0) {
        primary->next = coh_generation_new(primary);
    }
    if (primary->next) {
        start_deadline(primary);
        return;
    }
    event.kind = COH_EVENT_RELOAD_FAILED;
    event.generation = primary->current->number;
    event.text = why;
    coh_event_tell(&primary->readers, &event);
}

void
coh_reload_begin(struct coh_primary *primary, bool is_forced)
{
    primary->wants_force |= is_forced;
    if (coh_reload_is_busy(primary)) {
        primary->wants_reload = true;
        return;
    }
    is_forced = primary->wants_force;
    primary->wants_reload = false;
    primary->wants_force = false;
    if (primary->current) {
        begin_next(primary, is_forced);
    } else {
        begin_first(primary);
    }
}

void
coh_reload_begin_wanted(struct coh_primary *primary)
{
    if (primary->wants_reload && primary->state == COH_PRIMARY_SERVING) {
        coh_reload_begin(primary, false);
    }
}

void
coh_reload_reconsider(struct coh_primary *primary)
{
    event_active(&primary->reload_wanted, EV_TIMEOUT, 0);
}

/* --- commit --------------------------------------------------------------- */

/* A configured number outranks a scaled one when it changes. */
static unsigned
choose_target(
    const struct coh_primary *primary, const struct coh_generation *next)
{
    const struct coh_generation *current = primary->current;
    unsigned configured = next->settings.worker_processes;
    unsigned max = next->settings.worker_processes_max;

    if (!current) {
        return coh_scaled_choose(
            &primary->scaled, COH_GROUP_MAIN, configured, max);
    }
    if (current->settings.worker_processes != configured) {
        return configured;
    }
    return current->target < max ? current->target : max;
}

static void
commit(struct coh_primary *primary, const char *remark)
{
    struct coh_generation *next = primary->next;
    struct coh_generation *before = primary->current;
    struct coh_event event = {.kind = COH_EVENT_RELOAD_DONE};
    char where[1024];

    event_del(&primary->reload_deadline);
    next->target = choose_target(primary, next); /* may have been scaled */
    primary->next = NULL;
    primary->current = next;
    coh_opening_adopt_log(next);
    primary->is_paused = false;
    next->state = COH_GENERATION_SERVING;
    next->has_served = true;
    coh_opening_commit(next);
    coh_groups_commit(next);
    coh_scale_settle(next);
    coh_generation_describe(next, where, sizeof(where) - COH_CANARY_WHY_MAX);
    strcat(where, remark);
    event.generation = next->number;
    event.text = where;
    event.is_start = !before;
    coh_event_tell(&primary->readers, &event);
    if (before) {
        coh_retire(before, next);
    } else {
        coh_primary_started(primary);
    }
    coh_reload_begin_wanted(primary);
}

static bool
is_ready(const struct coh_generation *generation)
{
    for (unsigned i = 0; i < generation->target; i++) {
        const struct coh_worker *worker = generation->places[i].worker;

        if (!worker || worker->state != COH_WORKER_READY) {
            return false;
        }
    }
    return coh_groups_are_ready(generation);
}

/* --- steps ---------------------------------------------------------------- */

/* What its workers will be, before the first one is forked. */
static void
tell_setup(const struct coh_generation *generation)
{
    char text[64];
    struct coh_event event = {
        .kind = COH_EVENT_SETUP,
        .generation = generation->number,
        .group = COH_GROUP_MAIN,
        .text = text,
    };

    snprintf(
        text, sizeof(text), "%u worker%s", generation->target,
        generation->target == 1 ? "" : "s");
    coh_event_tell(&generation->primary->readers, &event);
}

/* remark: behind what the verdict says; "" for none. */
static void
commit_or_fail(struct coh_generation *generation, const char *remark)
{
    struct coh_primary *primary = generation->primary;
    char why[COH_LISTENER_WHY_MAX];

    if (!primary->current && primary->upgrade.has_names &&
        coh_opening_write_pid(generation, why) < 0) {
        coh_reload_failed(generation, why);
    } else {
        commit(primary, remark);
    }
}

static void
try_or_commit(struct coh_generation *generation)
{
    char remark[COH_CANARY_WHY_MAX] = "";
    const char *why;

    event_del(&generation->primary->reload_deadline);
    if (coh_canary_begin(generation, &why)) {
        return;
    }
    if (why) {
        snprintf(remark, sizeof(remark), "; no trial (reload_canary): %s", why);
    }
    commit_or_fail(generation, remark);
}

void
coh_reload_promote(struct coh_generation *generation, const char *why)
{
    char remark[COH_CANARY_WHY_MAX];

    snprintf(remark, sizeof(remark), "; %.*s", (int)sizeof(remark) - 3, why);
    coh_canary_end(generation->primary);
    commit(generation->primary, remark);
}

/* Kept groups may be all that it has. */
static void
start(struct coh_generation *generation)
{
    struct coh_primary *primary = generation->primary;
    char why[COH_LISTENER_WHY_MAX];

    if (coh_groups_begin(generation, why) < 0) {
        coh_reload_failed(generation, why);
        return;
    }
    if (generation->target > 0) {
        tell_setup(generation);
    }
    coh_scale_settle(generation);
    if (primary->next == generation && is_ready(generation)) {
        try_or_commit(generation);
    }
}

void
coh_reload_loaded(struct coh_generation *generation)
{
    struct coh_primary *primary = generation->primary;
    char why[COH_LISTENER_WHY_MAX];

    generation->state = COH_GENERATION_STARTING;
    generation->target = choose_target(primary, generation);
    if (coh_opening_open(generation, why) < 0) {
        coh_reload_failed(generation, why);
        return;
    }
    start(generation);
}

void
coh_reload_worker_ready(struct coh_worker *worker)
{
    struct coh_generation *generation = worker->generation;

    if (generation->state == COH_GENERATION_SERVING) {
        coh_worker_serve(worker);
    } else if (
        generation->state == COH_GENERATION_STARTING && is_ready(generation)) {
        try_or_commit(generation);
    }
}

void
coh_reload_group_ready(struct coh_generation *generation)
{
    if (generation->state == COH_GENERATION_STARTING && is_ready(generation)) {
        try_or_commit(generation);
    }
}

static void
drop(struct coh_generation *generation)
{
    struct coh_primary *primary = generation->primary;

    coh_canary_end(primary);
    coh_groups_drop(generation);
    primary->next = NULL;
    event_del(&primary->reload_deadline);
    if (generation->state == COH_GENERATION_TRYING) {
        coh_retire(generation, primary->current); /* it has clients */
    } else {
        coh_retire_at_once(generation, SIGKILL);
    }
    if (primary->current && primary->state == COH_PRIMARY_SERVING) {
        coh_scale_settle(primary->current); /* it was scaled meanwhile */
    }
}

/* At start errors were told as they came; what came without one is told
   now. */
static void
fail_start(struct coh_generation *generation, const char *why)
{
    struct coh_primary *primary = generation->primary;

    if (!generation->why[0]) {
        coh_primary_tell(primary, COHORT_LOG_EMERG, why);
        coh_upgrade_say(&primary->upgrade, false, why);
    }
    drop(generation);
    coh_primary_start_failed(primary);
}

void
coh_reload_failed(struct coh_generation *generation, const char *why)
{
    struct coh_primary *primary = generation->primary;
    struct coh_event event = {
        .kind = COH_EVENT_RELOAD_FAILED,
        .text = generation->why[0] ? generation->why : why,
        .report = generation->why[0] ? generation->report : NULL,
    };

    if (generation->state >= COH_GENERATION_SERVING) {
        return;
    }
    if (!primary->current) {
        fail_start(generation, why);
        return;
    }
    event.generation = primary->current->number;
    coh_event_tell(&primary->readers, &event);
    drop(generation);
    coh_reload_begin_wanted(primary);
}

void
coh_reload_cancel(struct coh_primary *primary)
{
    if (primary->next) {
        drop(primary->next);
    }
}
