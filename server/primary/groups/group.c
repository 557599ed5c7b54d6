/* A group's life: made for a generation, kept as long as its declaration stays
   the same. */
#include "server/primary/groups/group.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/cluster/secrets.h"
#include "server/cluster/site.h"
#include "server/primary/generation.h"
#include "server/primary/groups/group_address.h"
#include "server/primary/groups/group_care.h"

/* --- its end -------------------------------------------------------------- */

/* Those who hand on to it hand on to whom it would. */
static void
unlink_group(struct coh_group *group)
{
    struct coh_group *other;

    TAILQ_REMOVE(&group->primary->groups, group, link);
    TAILQ_FOREACH (other, &group->primary->groups, link) {
        if (other->cluster.successor == &group->cluster) {
            other->cluster.successor = group->cluster.successor;
        }
    }
}

static void
free_group(struct coh_group *group)
{
    coh_group_leave_fini(group);
    coh_group_pause_fini(group);
    coh_group_postpone_fini(group);
    coh_group_output_end(group);
    coh_group_care_fini(group);
    coh_cluster_fini(&group->cluster);
    coh_group_unlisten(group);
    for (unsigned i = 0; i < group->place_count; i++) {
        event_del(&group->places[i].later);
        coh_place_environment_forget(&group->places[i].environment);
    }
    free(group->places);
    coh_group_declaration_free(group->declaration);
    free(group);
}

struct coh_group *
coh_group_of(struct coh_cluster *cluster)
{
    return (struct coh_group
                *)((char *)cluster - offsetof(struct coh_group, cluster));
}

static void
on_settled(struct coh_cluster *cluster)
{
    struct coh_group *group = coh_group_of(cluster);
    struct coh_primary *primary = group->primary;

    if (group->state == COH_GROUP_LEAVING && cluster->member_count == 0 &&
        TAILQ_EMPTY(&cluster->dead) && !coh_group_is_emptying(group)) {
        coh_site_close_empty(cluster);
        if (!STAILQ_EMPTY(&cluster->events.queue)) {
            return; /* what was dropped is told first */
        }
        unlink_group(group);
        free_group(group);
        coh_primary_end_if_alone(primary);
    }
}

/* --- its beginning -------------------------------------------------------- */

/* A number that is configured needs no leave. */
static unsigned
limit_of(
    const struct coh_generation *generation,
    const struct coh_group_declaration *declaration)
{
    uint32_t configured = declaration->frame->processes;
    uint32_t max = generation->settings.worker_processes_max;

    return configured > max ? configured : max;
}

static int
make_places(struct coh_group *group, const struct coh_generation *starter)
{
    group->place_count = limit_of(starter, group->declaration);
    group->places = calloc(group->place_count, sizeof(*group->places));
    if (!group->places) {
        group->place_count = 0;
        return -ENOMEM;
    }
    coh_group_init_places(group);
    return 0;
}

static void
init_cluster(struct coh_group *group)
{
    struct coh_cluster *cluster = &group->cluster;

    cluster->loop = &group->primary->loop;
    cluster->log = &group->primary->log;
    cluster->listeners = &group->primary->listeners;
    cluster->last_id = &group->primary->numbers.words->worker;
    cluster->on_settled = on_settled;
    cluster->watchdog = &group->primary->watchdog;
    cluster->replace = coh_group_care_replace;
    cluster->is_replaced = coh_group_care_is_replaced;
    cluster->start_patience_ms = group->starter->settings.reload_timeout_ms;
    cluster->is_held = true;
    cluster->keeps_sites = true;
    cluster->claim = coh_group_address_claim;
    coh_cluster_init(cluster);
    group->reader = (struct coh_cluster_reader){
        .on_event = coh_group_on_event, .user = group};
    STAILQ_INSERT_TAIL(&cluster->events.readers, &group->reader, link);
}

/* What the template has checked is checked here too: it may be wrong, and says
   so in the log then. */
static int
set_up(struct coh_group *group, char why[COH_LISTENER_WHY_MAX])
{
    const struct coh_group_declaration *declaration = group->declaration;
    struct cohort_settings settings = declaration->settings;
    int result = coh_cluster_set_policy(
        &group->cluster, (enum cohort_policy)declaration->frame->policy);

    snprintf(
        why, COH_LISTENER_WHY_MAX, "the worker group %s cannot be set up",
        group->name);
    if (result == 0) {
        result = coh_group_listen(group, &settings, why);
    }
    if (result == 0) {
        result = coh_cluster_setup(&group->cluster, &settings);
    }
    if (result == 0) {
        /* An empty list would mean our own words. */
        group->cluster.settings->shown.args = declaration->settings.args;
    }
    return result;
}

/* A configured number outranks a scaled one when it changes. */
static unsigned
follow_target(const struct coh_group *before, unsigned configured, unsigned max)
{
    if (!before || before->declaration->frame->processes != configured) {
        return configured;
    }
    return before->target < max ? before->target : max;
}

static unsigned
choose_target(
    const struct coh_generation *starter,
    const struct coh_group_declaration *declaration,
    const struct coh_group *before)
{
    uint32_t configured = declaration->frame->processes;

    if (!starter->primary->current) {
        return coh_scaled_choose(
            &starter->primary->scaled, declaration->name, configured,
            starter->settings.worker_processes_max);
    }
    return follow_target(before, configured, limit_of(starter, declaration));
}

struct coh_group *
coh_group_new(
    struct coh_generation *starter, struct coh_group_declaration *declaration,
    struct coh_group *before, char why[COH_LISTENER_WHY_MAX])
{
    struct coh_group *group = calloc(1, sizeof(*group));

    if (!group) {
        coh_group_declaration_free(declaration);
        snprintf(why, COH_LISTENER_WHY_MAX, "out of memory");
        return NULL;
    }
    group->primary = starter->primary;
    group->declaration = declaration;
    group->name = declaration->name;
    group->generation = starter->number;
    group->starter = starter;
    group->target = choose_target(starter, declaration, before);
    group->did_listen = before && !TAILQ_EMPTY(&before->cluster.sites);
    LIST_INIT(&group->outputs);
    coh_group_leave_init(group);
    coh_group_pause_init(group);
    coh_group_postpone_init(group);
    coh_group_care_init(group);
    init_cluster(group);
    if (before) {
        coh_cluster_secrets_share(&group->cluster, &before->cluster);
    }
    if (make_places(group, starter) < 0) {
        snprintf(why, COH_LISTENER_WHY_MAX, "out of memory");
        free_group(group);
        return NULL;
    }
    if (set_up(group, why) < 0) {
        free_group(group);
        return NULL;
    }
    TAILQ_INSERT_TAIL(&group->primary->groups, group, link);
    return group;
}

int
coh_group_start(struct coh_group *group, char why[COH_LISTENER_WHY_MAX])
{
    int result = coh_group_postpone(group, why);

    if (result < 0) {
        return result;
    }
    coh_group_tell_setup(group);
    coh_group_settle(group);
    for (unsigned i = 0; i < group->target; i++) {
        if (!group->places[i].member && !group->is_postponed) {
            snprintf(
                why, COH_LISTENER_WHY_MAX,
                "the workers of the group %s cannot be started", group->name);
            return -EAGAIN;
        }
    }
    return 0;
}

/* --- in between ----------------------------------------------------------- */

unsigned
coh_group_max(const struct coh_group *group)
{
    const struct coh_generation *current = group->primary->current;
    unsigned max =
        current ? limit_of(current, group->declaration) : group->place_count;

    return max < group->place_count ? max : group->place_count;
}

bool
coh_group_is_ready(const struct coh_group *group)
{
    for (unsigned i = 0; i < group->target && !group->is_postponed; i++) {
        if (!group->places[i].is_ready && !group->places[i].is_vacant) {
            return false;
        }
    }
    return true;
}

void
coh_group_serve(struct coh_group *group, uint64_t generation)
{
    group->last_generation = generation;
    if (group->state == COH_GROUP_STARTING) {
        group->state = COH_GROUP_SERVING;
        group->starter = NULL;
        coh_cluster_release(&group->cluster);
        coh_group_postpone_end(group);
    }
}

void
coh_group_follow(struct coh_group *group, const struct coh_group *before)
{
    unsigned target = follow_target(
        before, group->declaration->frame->processes, coh_group_max(group));

    if (target != group->target) {
        coh_group_scale(group, target);
    }
}

void
coh_group_forget(struct coh_group *group)
{
    coh_group_output_forget(group);
    coh_cluster_forget(&group->cluster);
}
