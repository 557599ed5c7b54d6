/* Places that are taken on request. */
#include "server/primary/grow.h"

#include <errno.h>

#include "server/primary/generation.h"
#include "server/primary/scale.h"

static unsigned
vacant_count(const struct coh_generation *generation)
{
    unsigned count = 0;

    for (unsigned i = 0; i < generation->target; i++) {
        count += generation->places[i].is_vacant;
    }
    return count;
}

int
coh_grow_check(
    const struct coh_generation *generation, unsigned count,
    struct cohort_str environment)
{
    unsigned max = coh_scale_max(generation);
    unsigned beyond = max > generation->target ? max - generation->target : 0;

    if (!coh_place_environment_is_valid(environment) || count == 0) {
        return -EINVAL;
    }
    if (generation->primary->is_paused ||
        (!generation->template && !generation->is_repairing)) {
        return -EAGAIN;
    }
    return count <= vacant_count(generation) + beyond ? 0 : -ENOSPC;
}

static struct coh_place *
take_place(struct coh_generation *generation)
{
    for (unsigned i = 0; i < generation->target; i++) {
        if (generation->places[i].is_vacant) {
            generation->places[i].is_vacant = false;
            return &generation->places[i];
        }
    }
    return &generation->places[generation->target++];
}

void
coh_grow(
    struct coh_generation *generation, unsigned count,
    struct cohort_str environment)
{
    cohort_notice(
        &generation->primary->log, "forking %u worker%s more%s", count,
        count == 1 ? "" : "s",
        environment.size > 0 ? ", with an environment of their own" : "");
    for (unsigned i = 0; i < count; i++) {
        struct coh_place *place = take_place(generation);

        if (coh_place_environment_set(&place->environment, environment) < 0) {
            cohort_alert(
                &generation->primary->log,
                "out of memory: a worker goes without its environment");
        }
    }
    coh_scale_settle(generation);
}
