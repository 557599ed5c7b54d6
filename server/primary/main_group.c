/* What the group main tells recycling of its workers, and does for it. */
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
    const struct coh_slot *slot = &worker->primary->slots.array[worker->slot];

    for (size_t i = 0; i < generation->counter_count; i++) {
        const struct coh_total *total =
            &worker->primary->totals.array[generation->totals[i]];

        if (total->labels[0] == '\0' && ends_with(total->name, SERVED_SUFFIX)) {
            return slot->counters[i];
        }
    }
    return 0;
}

/* --- recycling ------------------------------------------------------------------ */

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
replace(struct coh_recycled *recycled, const char *why)
{
    struct coh_worker *worker = worker_of(recycled);
    struct coh_event event = {
        .kind = COH_EVENT_RECYCLE,
        .generation = worker->generation->number,
        .worker_id = worker->id,
        .group = COH_GROUP_MAIN,
        .pid = worker->child.pid,
        .text = why,
    };
    struct coh_worker *successor;
    int result = coh_dismiss_replace(worker, &successor);

    if (result == 0) {
        coh_event_tell(&worker->primary->readers, &event);
    }
    return result;
}

/* --- the group -------------------------------------------------------------------- */

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

void
coh_main_group_join(struct coh_worker *worker)
{
    struct coh_generation *generation = worker->generation;

    generation->recycle.limits = generation->settings.upkeep;
    coh_recycle_add(
        &generation->recycle, &worker->recycled, worker->child.pid,
        worker->born_ms);
}

void
coh_main_group_leave(struct coh_worker *worker)
{
    coh_recycle_remove(&worker->recycled);
}
