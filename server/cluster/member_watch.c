/* The watchdog's view of members: since when one hangs, and what becomes of it
   then, in the C API as in groups. */
#include <stddef.h>
#include <stdio.h>

#include "server/cluster/cluster.h"
#include "server/cluster/member.h"

static struct cohort_worker *
member_of(const struct coh_watched *watched)
{
    return (
        struct cohort_worker
            *)((uintptr_t)watched - offsetof(struct cohort_worker, watched));
}

static uint64_t
ignored_since(const struct coh_watched *watched, uint64_t now_ms)
{
    return coh_member_ignored_since(member_of(watched), now_ms);
}

static void
isolate(struct coh_watched *watched)
{
    struct cohort_worker *member = member_of(watched);

    if (member->reason == COHORT_REASON_SELF) {
        member->reason = COHORT_REASON_STUCK;
    }
    coh_member_isolate(member);
}

static void
tell(struct coh_watched *watched, const char *why)
{
    struct cohort_worker *member = member_of(watched);
    struct coh_cluster_event event = {
        .kind = COH_CLUSTER_STUCK,
        .member = member,
    };

    snprintf(event.what, sizeof(event.what), "%s", why);
    coh_cluster_tell(member->cluster, &event);
}

static void
replace(struct coh_watched *watched)
{
    struct cohort_worker *member = member_of(watched);

    if (member->cluster->replace != NULL) {
        member->cluster->replace(member);
    }
}

/* One that hung up, or was asked to leave meanwhile, has no turn any more; its
   reason stays. */
static void
recovered(struct coh_watched *watched)
{
    struct cohort_worker *member = member_of(watched);
    const struct coh_cluster *cluster = member->cluster;

    if (member->line == NULL || member->is_leaving ||
        (cluster->is_replaced != NULL && cluster->is_replaced(member))) {
        return;
    }
    if (member->reason == COHORT_REASON_STUCK) {
        member->reason = COHORT_REASON_SELF;
    }
    coh_member_rejoin(member);
}

/* If it recovered while another one stood in its place, it has had no turn
   since. */
void
coh_member_stays(struct cohort_worker *member)
{
    if (member->reason == COHORT_REASON_STUCK &&
        !coh_watched_is_stuck(&member->watched)) {
        recovered(&member->watched);
    }
}

static void
send_signal(struct coh_watched *watched, int number)
{
    coh_child_signal(&member_of(watched)->child, number);
}

static const struct coh_watched_actions actions = {
    .ignored_since = ignored_since,
    .isolate = isolate,
    .tell = tell,
    .replace = replace,
    .recovered = recovered,
    .signal = send_signal,
};

/* With another limit it begins anew: who was found stuck by the old one is well
   again, or nothing would let it back into the rotation. */
static void
watch(struct cohort_worker *member, uint64_t limit_ms)
{
    const struct coh_codec *codec = member->codec;

    if (member->cluster->watchdog == NULL || member->line == NULL ||
        member->has_exited || member->watched.limit_ms == limit_ms) {
        return;
    }
    if (coh_watched_is_stuck(&member->watched)) {
        recovered(&member->watched);
    }
    coh_watchdog_remove(&member->watched);
    member->watched = (struct coh_watched){
        .actions = &actions,
        .limit_ms = limit_ms,
        .pulse = codec->pulse != NULL ? codec->pulse(member) : NULL,
        .pid = member->pid,
    };
    coh_watchdog_add(member->cluster->watchdog, &member->watched);
}

void
coh_member_watch(struct cohort_worker *member)
{
    uint64_t patience_ms = member->cluster->start_patience_ms;
    uint64_t limit_ms = member->watchdog_ms;

    watch(
        member,
        limit_ms > 0 && limit_ms < patience_ms ? patience_ms : limit_ms);
}

void
coh_member_watch_closely(struct cohort_worker *member)
{
    watch(member, member->watchdog_ms);
}

void
coh_member_close_line(struct cohort_worker *member)
{
    if (member->line != NULL) {
        member->watched.pulse = NULL;
        member->codec->close(member);
        member->line = NULL;
    }
}
