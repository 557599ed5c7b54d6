/* The transaction: open what was declared, start workers, commit or drop; one
   verdict. */
#include "server/primary/reload.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "server/primary/canary.h"
#include "server/primary/generation.h"
#include "server/primary/groups/groups.h"
#include "server/primary/opening.h"
#include "server/primary/retire.h"
#include "server/primary/scale.h"

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
