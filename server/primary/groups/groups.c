/* Groups over reloads. */
#include "server/primary/groups/groups.h"

#include <errno.h>
#include <string.h>

#include "server/cluster/site.h"
#include "server/primary/generation.h"
#include "server/primary/groups/group_address.h"

/* The group of that name that serves; NULL: none. */
static struct coh_group *
find_serving(struct coh_primary *primary, const char *name)
{
    struct coh_group *group;

    TAILQ_FOREACH (group, &primary->groups, link) {
        if (group->state == COH_GROUP_SERVING &&
            strcmp(group->name, name) == 0) {
            return group;
        }
    }
    return NULL;
}

struct coh_group *
coh_groups_find(struct coh_primary *primary, const char *name)
{
    return find_serving(primary, name);
}

static bool
has_listener(const struct coh_group *group, const struct coh_listener *listener)
{
    const struct coh_site *site;

    TAILQ_FOREACH (site, &group->cluster.sites, link) {
        if (site->udp < 0 && site->acceptor.listener == listener) {
            return true;
        }
    }
    return coh_group_gives(group, listener);
}

struct coh_group *
coh_groups_of_listener(
    struct coh_primary *primary, const struct coh_listener *listener)
{
    struct coh_group *group;

    TAILQ_FOREACH (group, &primary->groups, link) {
        if (group->state == COH_GROUP_SERVING &&
            has_listener(group, listener)) {
            return group;
        }
    }
    return NULL;
}

struct cohort_worker *
coh_groups_worker(
    struct coh_primary *primary, uint64_t id, struct coh_group **group)
{
    TAILQ_FOREACH (*group, &primary->groups, link) {
        struct cohort_worker *member =
            coh_cluster_member(&(*group)->cluster, id);

        if (member) {
            return member;
        }
    }
    return NULL;
}

/* --- a generation --------------------------------------------------------- */

static bool
is_kept(
    const struct coh_group *before,
    const struct coh_group_declaration *declaration)
{
    return before && declaration->frame->processes <= before->place_count &&
        coh_group_declaration_is_same(before->declaration, declaration);
}

static int
begin(struct coh_generation *generation, size_t index, char *why)
{
    struct coh_group_declaration *declaration = generation->declarations[index];
    struct coh_group *before =
        find_serving(generation->primary, declaration->name);
    struct coh_group *group;

    if (is_kept(before, declaration)) {
        generation->groups[index] = before;
        generation->group_count = index + 1;
        return coh_group_address_check_kept(before, generation, why);
    }
    generation->declarations[index] = NULL;
    group = coh_group_new(generation, declaration, before, why);
    if (!group) {
        return -EINVAL;
    }
    generation->groups[index] = group;
    generation->group_count = index + 1;
    return coh_group_start(group, why);
}

int
coh_groups_begin(
    struct coh_generation *generation, char why[COH_LISTENER_WHY_MAX])
{
    int result = 0;

    for (size_t i = 0; result == 0 && i < generation->declaration_count; i++) {
        result = begin(generation, i, why);
    }
    return result;
}

bool
coh_groups_are_ready(const struct coh_generation *generation)
{
    for (size_t i = 0; i < generation->group_count; i++) {
        const struct coh_group *group = generation->groups[i];

        if (group->state == COH_GROUP_STARTING && !coh_group_is_ready(group)) {
            return false;
        }
    }
    return true;
}

static struct coh_group *
find_successor(
    const struct coh_generation *generation, const struct coh_group *before)
{
    for (size_t i = 0; i < generation->group_count; i++) {
        if (strcmp(generation->groups[i]->name, before->name) == 0) {
            return generation->groups[i];
        }
    }
    return NULL;
}

/* Places that were left on purpose have workers again, as after any reload, and
   who follows there has the group's environment alone. */
static void
keep(struct coh_group *group, struct coh_group_declaration *declaration)
{
    uint32_t before = group->declaration->frame->processes;
    uint32_t wanted = declaration->frame->processes;
    unsigned target = wanted != before ? wanted : group->target;
    unsigned max;

    group->declaration->frame->processes = wanted;
    for (unsigned i = 0; i < group->place_count; i++) {
        coh_place_environment_forget(&group->places[i].environment);
    }
    max = coh_group_max(group);
    coh_group_resume(group);
    coh_group_scale(group, target < max ? target : max);
}

static void
commit(struct coh_generation *generation, size_t index)
{
    struct coh_group *group = generation->groups[index];
    struct coh_group *before = find_serving(generation->primary, group->name);

    coh_group_serve(group, generation->number);
    if (generation->declarations[index]) {
        keep(group, generation->declarations[index]);
    } else if (before) {
        coh_group_follow(group, before);
    }
}

void
coh_groups_commit(struct coh_generation *generation)
{
    struct coh_primary *primary = generation->primary;
    struct coh_group *group;
    struct coh_group *after;

    for (size_t i = 0; i < generation->group_count; i++) {
        commit(generation, i);
    }
    for (group = TAILQ_FIRST(&primary->groups); group; group = after) {
        struct coh_group *successor = find_successor(generation, group);

        after = TAILQ_NEXT(group, link);
        if (successor == group) {
            continue;
        }
        if (group->state == COH_GROUP_SERVING) {
            coh_group_retire(group, successor, COHORT_REASON_RELOAD);
        } else if (!coh_group_is_emptying(group)) {
            coh_cluster_hand_on(
                &group->cluster, successor ? &successor->cluster : NULL);
        }
    }
}

void
coh_groups_drop(struct coh_generation *generation)
{
    for (size_t i = 0; i < generation->group_count; i++) {
        struct coh_group *group = generation->groups[i];

        if (group && group->state == COH_GROUP_STARTING) {
            coh_group_drop(
                group, find_serving(generation->primary, group->name));
        }
        generation->groups[i] = NULL;
    }
    generation->group_count = 0;
}

/* --- all ------------------------------------------------------------------ */

void
coh_groups_quit(struct coh_primary *primary)
{
    struct coh_group *group;

    TAILQ_FOREACH (group, &primary->groups, link) {
        if (group->state == COH_GROUP_SERVING) {
            coh_group_retire(group, NULL, COHORT_REASON_DISCONNECT);
        }
    }
}

void
coh_groups_end(struct coh_primary *primary, int number)
{
    struct coh_group *group;

    TAILQ_FOREACH (group, &primary->groups, link) {
        coh_group_end(group, number);
    }
}

void
coh_groups_drain(struct coh_primary *primary)
{
    struct coh_group *group;

    TAILQ_FOREACH (group, &primary->groups, link) {
        if (group->state == COH_GROUP_SERVING) {
            coh_group_pause(group);
        }
    }
}

void
coh_groups_undrain(struct coh_primary *primary)
{
    struct coh_group *group;

    TAILQ_FOREACH (group, &primary->groups, link) {
        if (group->state == COH_GROUP_SERVING) {
            coh_group_resume(group);
            coh_group_scale(group, group->target);
        }
    }
}
