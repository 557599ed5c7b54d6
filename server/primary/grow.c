/* Places that are taken on request, and the environment of who stands there. */
#include "server/primary/grow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/primary/generation.h"
#include "server/primary/scale.h"

/* Each one a NAME=VALUE that ends. */
bool
coh_grow_is_environment(struct cohort_str text)
{
    const char *at = text.data;
    const char *end = text.data + text.size;

    if (text.size > COH_ENVIRONMENT_MAX || (text.size > 0 && end[-1] != '\0')) {
        return false;
    }
    for (; at < end; at += strlen(at) + 1) {
        if (at[0] == '=' || !strchr(at, '=')) {
            return false;
        }
    }
    return true;
}

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

    if (!coh_grow_is_environment(environment) || count == 0) {
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
        &generation->primary->log, "forking %u workers more%s", count,
        environment.size > 0 ? ", with an environment of their own" : "");
    for (unsigned i = 0; i < count; i++) {
        struct coh_place *place = take_place(generation);

        coh_grow_forget(place);
        if (environment.size > 0) {
            place->environment = malloc(environment.size);
        }
        if (place->environment) {
            memcpy(place->environment, environment.data, environment.size);
            place->environment_size = environment.size;
        }
    }
    coh_scale_settle(generation);
}

void
coh_grow_forget(struct coh_place *place)
{
    free(place->environment);
    place->environment = NULL;
    place->environment_size = 0;
}
