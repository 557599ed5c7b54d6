/* Both kinds of groups behind the same doors. */
#include "server/primary/target.h"

#include <errno.h>
#include <string.h>

#include "server/primary/dismiss.h"
#include "server/primary/generation.h"
#include "server/primary/groups/groups.h"
#include "server/primary/grow.h"
#include "server/primary/scale.h"

/* --- a worker ------------------------------------------------------------- */

bool
coh_target_find(
    struct coh_primary *primary, uint64_t id, struct coh_target *target)
{
    *target = (struct coh_target){.worker = coh_worker_find(primary, id)};
    if (!target->worker) {
        target->member = coh_groups_worker(primary, id, &target->group);
    }
    return target->worker || target->member;
}

int
coh_target_disconnect(const struct coh_target *target)
{
    return target->worker ? coh_dismiss_disconnect(target->worker)
                          : coh_group_disconnect(target->group, target->member);
}

int
coh_target_kill(const struct coh_target *target, int number)
{
    if (target->worker) {
        return coh_dismiss_kill(target->worker, number);
    }
    return coh_member_kill(target->member, number, COHORT_REASON_KILL);
}

int
coh_target_replace(const struct coh_target *target, uint64_t *successor)
{
    struct coh_worker *worker;
    int result;

    if (target->member) {
        return coh_group_replace(target->group, target->member, successor);
    }
    result = coh_dismiss_replace(target->worker, &worker);
    if (result == 0) {
        *successor = worker->id;
    }
    return result;
}

bool
coh_target_serves(const struct coh_target *target)
{
    return target->worker ? target->worker->state == COH_WORKER_SERVING
                          : coh_group_has_ready(target->group, target->member);
}

int
coh_target_send(const struct coh_target *target, struct cohort_str message)
{
    const struct coh_worker *worker = target->worker;

    if (!worker) {
        return coh_member_send(target->member, message, NULL);
    }
    return worker->state == COH_WORKER_STARTING
        ? -EAGAIN
        : coh_worker_send(target->worker, message.data, message.size);
}

/* --- a group -------------------------------------------------------------- */

static bool
is_main(const char *name)
{
    return name[0] == '\0' || strcmp(name, COH_GROUP_MAIN) == 0;
}

int
coh_target_size(
    struct coh_primary *primary, const char *name, struct coh_target_size *size)
{
    const struct coh_generation *current = primary->current;
    const struct coh_group *group;

    if (is_main(name)) {
        size->target = current->target;
        size->max = coh_scale_max(current);
        return current->settings.worker_processes == 0 ? -EBUSY : 0;
    }
    group = coh_groups_find(primary, name);
    if (!group) {
        return -ENOENT;
    }
    size->target = group->target;
    size->max = coh_group_max(group);
    return 0;
}

const char *
coh_target_objection(const struct coh_primary *primary, const char *name)
{
    const struct coh_generation *current = primary->current;

    if (primary->is_paused) {
        return "WINCH has ended the workers: reload first";
    }
    if (is_main(name) && !current->template && !current->is_repairing) {
        return "the process that workers are forked from is lost: reload first";
    }
    return NULL;
}

int
coh_target_scale(struct coh_primary *primary, const char *name, unsigned count)
{
    struct coh_group *group;

    if (is_main(name)) {
        return coh_primary_scale(primary, count);
    }
    group = coh_groups_find(primary, name);
    if (!group) {
        return -ENOENT;
    }
    if (primary->state != COH_PRIMARY_SERVING ||
        coh_upgrade_is_under_way(&primary->upgrade)) {
        return -EAGAIN;
    }
    cohort_notice(
        &primary->log, "scaling the group %s from %u to %u worker%s", name,
        group->target, count, count == 1 ? "" : "s");
    coh_group_scale(group, count);
    return 0;
}

int
coh_target_grow_check(
    struct coh_primary *primary, const char *name, unsigned count,
    struct cohort_str environment)
{
    const struct coh_group *group;

    if (is_main(name)) {
        return coh_grow_check(primary->current, count, environment);
    }
    group = coh_groups_find(primary, name);
    return group ? coh_group_grow_check(group, count, environment) : -ENOENT;
}

void
coh_target_grow(
    struct coh_primary *primary, const char *name, unsigned count,
    struct cohort_str environment)
{
    struct coh_group *group;

    if (is_main(name)) {
        coh_grow(primary->current, count, environment);
        return;
    }
    group = coh_groups_find(primary, name);
    if (group) {
        coh_group_grow(group, count, environment);
    }
}

static bool
main_has_settled(const struct coh_generation *generation)
{
    for (unsigned i = 0; i < generation->place_count; i++) {
        const struct coh_worker *worker = generation->places[i].worker;
        bool is_wanted =
            i < generation->target && !generation->places[i].is_vacant;

        if (is_wanted != (worker != NULL) ||
            (worker && worker->state != COH_WORKER_SERVING)) {
            return false;
        }
    }
    return true;
}

bool
coh_target_has_settled(struct coh_primary *primary, const char *name)
{
    const struct coh_group *group;

    if (is_main(name)) {
        return main_has_settled(primary->current);
    }
    group = coh_groups_find(primary, name);
    return group && !group->is_postponed && coh_group_is_ready(group);
}
