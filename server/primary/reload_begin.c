/* When a transaction begins: one at a time, within reload_timeout. Who asks
   meanwhile gets the next one. */
#include <stdio.h>

#include "core/event.h"
#include "server/primary/generation.h"
#include "server/primary/old_generations.h"
#include "server/primary/reload.h"

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
