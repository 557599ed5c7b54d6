/* max_old_generations: each holds processes, slots and memory for as long as
   its slowest client likes. */
#include "server/primary/old_generations.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "server/primary/generation.h"
#include "server/primary/groups/group.h"
#include "server/primary/retire.h"

#define NOBODY UINT64_MAX

static bool
is_old(const struct coh_generation *generation)
{
    return generation->has_served && !generation->is_cut &&
        generation->state >= COH_GENERATION_RETIRING;
}

/* Worker groups leave with the last generation that had them. */
static bool
is_old_group(const struct coh_group *group)
{
    return group->state == COH_GROUP_LEAVING && !group->is_ended;
}

/* The next one behind a number, of which built-in workers or those of groups
   are left; NOBODY: none. */
static uint64_t
find_next(const struct coh_primary *primary, uint64_t number)
{
    const struct coh_generation *generation;
    const struct coh_group *group;
    uint64_t found = NOBODY;

    TAILQ_FOREACH (generation, &primary->generations, link) {
        if (is_old(generation) && generation->number > number &&
            generation->number < found) {
            found = generation->number;
        }
    }
    TAILQ_FOREACH (group, &primary->groups, link) {
        if (is_old_group(group) && group->last_generation > number &&
            group->last_generation < found) {
            found = group->last_generation;
        }
    }
    return found;
}

static unsigned
count_old(const struct coh_primary *primary)
{
    uint64_t number = find_next(primary, 0);
    unsigned count = 0;

    while (number != NOBODY) {
        count++;
        number = find_next(primary, number);
    }
    return count;
}

/* --- cutting -------------------------------------------------------------- */

static struct coh_generation *
find_generation(const struct coh_primary *primary, uint64_t number)
{
    struct coh_generation *generation;

    TAILQ_FOREACH (generation, &primary->generations, link) {
        if (generation->number == number && is_old(generation)) {
            return generation;
        }
    }
    return NULL;
}

/* How many workers that were. */
static unsigned
cut_groups(struct coh_primary *primary, uint64_t number)
{
    struct coh_group *group;
    unsigned count = 0;

    TAILQ_FOREACH (group, &primary->groups, link) {
        if (is_old_group(group) && group->last_generation == number) {
            count += group->cluster.member_count;
            coh_group_end(group, SIGTERM);
        }
    }
    return count;
}

static void
cut(struct coh_primary *primary, uint64_t number)
{
    struct coh_generation *generation = find_generation(primary, number);
    unsigned count = cut_groups(primary, number);

    count += generation ? generation->worker_count : 0;
    cohort_warn(
        &primary->log,
        "ending generation %" PRIu64
        " at once, with the requests of its %u worker%s: a reload was forced",
        number, count, count == 1 ? "" : "s");
    if (generation) {
        generation->is_cut = true;
        coh_retire_at_once(generation, SIGTERM); /* may free it */
    }
}

int
coh_old_generations_make_room(
    struct coh_primary *primary, bool is_forced, char *why, size_t why_size)
{
    uint32_t max = primary->current->settings.transition.max_old_generations;
    unsigned count = count_old(primary);

    while (is_forced && count >= max) {
        cut(primary, find_next(primary, 0));
        count = count_old(primary);
    }
    if (count < max) {
        return 0;
    }
    snprintf(
        why, why_size,
        "%u old generation%s still finish%s requests, and max_old_generations "
        "is %" PRIu32 ": wait, bound them by worker_shutdown_timeout, or end "
        "the oldest at once by \"cohort ctl reload --force\"",
        count, count == 1 ? "" : "s", count == 1 ? "es" : "", max);
    return -EBUSY;
}
