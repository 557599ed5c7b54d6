/* Workers, counted. */
#include "server/primary/headcount.h"

#include "server/primary/generation.h"
#include "server/primary/groups/group.h"

static void
count_main(
    struct coh_headcount *count, const struct coh_primary *primary,
    uint64_t gone)
{
    const struct coh_generation *current = primary->current;
    const struct coh_worker *worker;

    for (unsigned i = 0; i < current->target; i++) {
        count->wanted += !current->places[i].is_vacant;
    }
    TAILQ_FOREACH (worker, &primary->workers, link) {
        if (worker->generation == current && worker->id != gone &&
            worker->state == COH_WORKER_SERVING) {
            count->serving++;
            count->well += worker->watched.step == COH_WATCHED_WELL &&
                !worker->peer.is_stalled;
        }
    }
}

/* Nobody stands there, or one that leaves or has just ended, and nobody is to
   follow. */
static bool
is_given_up(
    const struct coh_group *group, const struct coh_group_place *place,
    uint64_t gone)
{
    const struct cohort_worker *member = place->member;

    if (!member) {
        return place->is_vacant;
    }
    return (member->is_leaving || member->id == gone) &&
        !coh_group_is_followed(group, member);
}

/* Who serves there: one that is to be replaced does until its successor is
   ready. NULL: nobody. */
static const struct cohort_worker *
serving_of(struct coh_group *group, const struct coh_group_place *place)
{
    const struct cohort_worker *before;

    if (place->is_ready) {
        return place->member;
    }
    before = place->predecessor
        ? coh_cluster_member(&group->cluster, place->predecessor)
        : NULL;
    return before && !before->is_leaving && !before->has_exited ? before : NULL;
}

static void
count_group(struct coh_headcount *count, struct coh_group *group, uint64_t gone)
{
    if (group->is_postponed) {
        return; /* nobody is to be there yet */
    }
    for (unsigned i = 0; i < group->target; i++) {
        const struct coh_group_place *place = &group->places[i];
        const struct cohort_worker *member = serving_of(group, place);

        count->wanted += !is_given_up(group, place, gone);
        if (member && member->id != gone) {
            count->serving++;
            count->well += member->watched.step == COH_WATCHED_WELL;
        }
    }
}

struct coh_headcount
coh_headcount(const struct coh_primary *primary, uint64_t gone)
{
    const struct coh_generation *current = primary->current;
    struct coh_headcount count = {0};

    count_main(&count, primary, gone);
    for (size_t i = 0; i < current->group_count; i++) {
        count_group(&count, current->groups[i], gone);
    }
    return count;
}

unsigned
coh_headcount_left(const struct coh_primary *primary, uint64_t gone)
{
    const struct cohort_worker *member;
    const struct coh_worker *worker;
    const struct coh_group *group;
    unsigned count = 0;

    TAILQ_FOREACH (worker, &primary->workers, link) {
        count += worker->id != gone;
    }
    TAILQ_FOREACH (group, &primary->groups, link) {
        TAILQ_FOREACH (member, &group->cluster.members, link) {
            count += member->id != gone && !member->has_exited;
        }
    }
    return count;
}
