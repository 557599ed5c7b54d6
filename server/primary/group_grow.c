/* Places of a group that are taken on request, with an environment of their
   own. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/primary/group.h"
#include "server/primary/grow.h"
#include "server/primary/primary.h"

static unsigned
vacant_count(const struct coh_group *group)
{
    unsigned count = 0;

    for (unsigned i = 0; i < group->target; i++) {
        count += group->places[i].is_vacant;
    }
    return count;
}

int
coh_group_grow_check(
    const struct coh_group *group, unsigned count,
    struct cohort_str environment)
{
    unsigned room = vacant_count(group) + group->place_count - group->target;

    if (!coh_grow_is_environment(environment) || count == 0) {
        return -EINVAL;
    }
    if (group->primary->is_paused) {
        return -EAGAIN;
    }
    return count <= room ? 0 : -ENOSPC;
}

static struct coh_group_place *
take_place(struct coh_group *group)
{
    for (unsigned i = 0; i < group->target; i++) {
        if (group->places[i].is_vacant) {
            group->places[i].is_vacant = false;
            return &group->places[i];
        }
    }
    return &group->places[group->target++];
}

static void
set_environment(struct coh_group_place *place, struct cohort_str environment)
{
    coh_group_forget_environment(place);
    if (environment.size > 0) {
        place->environment = malloc(environment.size);
    }
    if (place->environment) {
        memcpy(place->environment, environment.data, environment.size);
        place->environment_size = environment.size;
    }
}

void
coh_group_grow(
    struct coh_group *group, unsigned count, struct cohort_str environment)
{
    cohort_notice(
        &group->primary->log, "forking %u workers more of the group %s%s",
        count, group->name,
        environment.size > 0 ? ", with an environment of their own" : "");
    for (unsigned i = 0; i < count; i++) {
        set_environment(take_place(group), environment);
    }
    coh_group_settle(group);
}

const char **
coh_group_environment(const struct coh_group_place *place)
{
    const char *end;
    const char **words;
    size_t count = 0;

    if (!place->environment) {
        return NULL;
    }
    end = place->environment + place->environment_size;
    /* None is shorter than its NUL. */
    words = calloc(place->environment_size + 1, sizeof(*words));
    for (const char *at = place->environment; words && at < end;
         at += strlen(at) + 1) {
        words[count++] = at;
    }
    return words;
}

void
coh_group_forget_environment(struct coh_group_place *place)
{
    free(place->environment);
    place->environment = NULL;
    place->environment_size = 0;
}
