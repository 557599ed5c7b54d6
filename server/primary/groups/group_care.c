/* What a group tells recycling of its members, and does for those that are over
   a limit or hang. A member's user is what they know of it. */
#include "server/primary/groups/group_care.h"

#include <stddef.h>
#include <stdlib.h>

#include "server/cluster/site.h"
#include "server/primary/groups/group.h"
#include "server/primary/primary.h"

struct care {
    struct coh_group *group;
    struct cohort_worker *member;
    struct coh_recycled recycled;
};

/* --- recycling ------------------------------------------------------------ */

static struct care *
care_of_recycled(const struct coh_recycled *recycled)
{
    return (
        struct care *)((uintptr_t)recycled - offsetof(struct care, recycled));
}

/* A program's requests are not known to us, the connections that it took
   are. */
static uint64_t
served(const struct coh_recycled *recycled)
{
    return coh_member_taken_count(care_of_recycled(recycled)->member);
}

static bool
is_settled(const struct coh_recycle *recycle)
{
    const struct coh_group *group = recycle->user;

    return group->state == COH_GROUP_SERVING && coh_group_is_ready(group);
}

static int
replace(struct coh_recycled *recycled, const char *limit, const char *why)
{
    struct care *care = care_of_recycled(recycled);
    struct coh_event event =
        coh_group_event_of(COH_EVENT_RECYCLE, care->member);
    uint64_t successor;
    int result = coh_group_replace(care->group, care->member, &successor);

    if (result == 0) {
        event.limit = limit;
        event.text = why;
        coh_group_tell(care->group, event);
    }
    return result;
}

/* --- the watchdog --------------------------------------------------------- */

void
coh_group_care_replace(struct cohort_worker *member)
{
    uint64_t successor;

    /* If that cannot be now: at the next look. */
    (void)coh_group_replace(coh_group_of(member->cluster), member, &successor);
}

bool
coh_group_care_is_replaced(const struct cohort_worker *member)
{
    return !coh_group_place_of(coh_group_of(member->cluster), member);
}

/* --- members -------------------------------------------------------------- */

void
coh_group_care_init(struct coh_group *group)
{
    group->recycle = (struct coh_recycle){
        .loop = &group->primary->loop,
        .limits = group->declaration->frame->upkeep,
        .user = group,
        .served = served,
        .counts_connections = true,
        .is_settled = is_settled,
        .replace = replace,
    };
    coh_recycle_init(&group->recycle);
}

void
coh_group_care_fini(struct coh_group *group)
{
    coh_recycle_fini(&group->recycle);
}

void
coh_group_care_join(struct coh_group *group, struct cohort_worker *member)
{
    struct care *care = member->user ? NULL : calloc(1, sizeof(*care));

    if (!care) {
        return;
    }
    care->group = group;
    care->member = member;
    member->user = care;
    coh_recycle_add(
        &group->recycle, &care->recycled, member->pid, member->born_ms);
    coh_member_watch_closely(member);
}

void
coh_group_care_leave(struct cohort_worker *member)
{
    struct care *care = member->user;

    if (care) {
        coh_recycle_remove(&care->recycled);
    }
}

void
coh_group_care_lose(struct cohort_worker *member)
{
    struct care *care = member->user;

    if (care) {
        coh_recycle_remove(&care->recycled);
        member->user = NULL;
        free(care);
    }
}
