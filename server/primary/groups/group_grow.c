/* Places of a group that are taken on request, with an environment of their
   own. */
#include <errno.h>

#include "server/primary/groups/group.h"
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
    unsigned max = coh_group_max(group);
    unsigned beyond = max > group->target ? max - group->target : 0;

    if (!coh_place_environment_is_valid(environment) || count == 0) {
        return -EINVAL;
    }
    if (group->primary->is_paused) {
        return -EAGAIN;
    }
    return count <= vacant_count(group) + beyond ? 0 : -ENOSPC;
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

void
coh_group_grow(
    struct coh_group *group, unsigned count, struct cohort_str environment)
{
    cohort_notice(
        &group->primary->log, "forking %u worker%s more of the group %s%s",
        count, count == 1 ? "" : "s", group->name,
        environment.size > 0 ? ", with an environment of their own" : "");
    for (unsigned i = 0; i < count; i++) {
        struct coh_group_place *place = take_place(group);

        if (coh_place_environment_set(&place->environment, environment) < 0) {
            cohort_alert(
                &group->primary->log,
                "out of memory: a worker goes without its environment");
        }
    }
    coh_group_settle(group);
}
