/* Workers of a group that are told to leave, and how long they may take. */
#include <errno.h>

#include "core/clock.h"
#include "server/primary/generation.h"
#include "server/primary/groups/group.h"
#include "server/primary/groups/group_care.h"

uint64_t
coh_group_shutdown_timeout(const struct coh_group *group)
{
    const struct coh_generation *current = group->primary->current;

    return group->state == COH_GROUP_LEAVING || !current
        ? group->shutdown_timeout_ms
        : current->settings.shutdown_timeout_ms;
}

/* Connections have waited for its workers so long. */
static uint64_t
waited_ms(const struct coh_group *group)
{
    uint64_t now_ms = coh_monotonic_ms();

    if (group->state == COH_GROUP_LEAVING) {
        return now_ms - group->leave_began_ms;
    }
    return group->cluster.is_paused ? now_ms - group->pause_began_ms : 0;
}

bool
coh_group_time_is_over(const struct coh_group *group)
{
    uint64_t limit_ms = coh_group_shutdown_timeout(group);

    return limit_ms > 0 && waited_ms(group) >= limit_ms;
}

/* What is left of it for workers after that; 0: no limit. */
static uint64_t
rest_of_timeout(const struct coh_group *group)
{
    uint64_t limit_ms = coh_group_shutdown_timeout(group);
    uint64_t waited = waited_ms(group);

    if (limit_ms == 0) {
        return 0;
    }
    return waited < limit_ms ? limit_ms - waited : 1;
}

void
coh_group_dismiss(
    struct coh_group *group, struct cohort_worker *member,
    enum cohort_reason reason)
{
    coh_group_care_leave(member);
    if (member->reason == COHORT_REASON_SELF) {
        member->reason = reason;
    }
    coh_member_disconnect(member, (unsigned)rest_of_timeout(group));
}

int
coh_group_disconnect(struct coh_group *group, struct cohort_worker *member)
{
    if (member->is_leaving || member->has_exited) {
        return -EALREADY;
    }
    coh_group_dismiss(group, member, COHORT_REASON_DISCONNECT);
    return 0;
}
