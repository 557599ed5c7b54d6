/* A group of a generation that is dropped: nobody is to miss it. */
#include <signal.h>

#include "server/cluster/member.h"
#include "server/primary/groups/group.h"
#include "server/primary/primary.h"

static bool
has_accepted(const struct coh_group *group)
{
    const struct cohort_worker *member;

    TAILQ_FOREACH (member, &group->cluster.members, link) {
        if (coh_member_accepts(member)) {
            return true;
        }
    }
    return false;
}

/* What cannot have a connection may hang as well: it is not asked to leave. */
static void
kill_others(struct coh_group *group)
{
    struct cohort_worker *member;

    TAILQ_FOREACH (member, &group->cluster.members, link) {
        if (!coh_member_accepts(member)) {
            coh_member_kill(member, SIGKILL, COHORT_REASON_KILL);
        }
    }
}

void
coh_group_drop(struct coh_group *group, struct coh_group *before)
{
    /* No generation serves: the primary ends, and nobody waits for it. */
    if (!group->primary->current || !has_accepted(group)) {
        coh_group_end(group, SIGKILL);
        return;
    }
    kill_others(group);
    coh_group_retire(group, before, COHORT_REASON_RELOAD);
}
