/* What members say, taken over from their codecs. */
#include <cohort/log.h>

#include "server/cluster/cluster.h"
#include "server/cluster/member.h"
#include "server/cluster/site.h"

void
coh_member_online(struct cohort_worker *member)
{
    if (member->state == COHORT_WORKER_NONE) {
        member->state = COHORT_WORKER_ONLINE;
        coh_member_watch(member);
        coh_cluster_tell_kind(member->cluster, COH_CLUSTER_ONLINE, member);
    }
}

void
coh_member_message(
    struct cohort_worker *member, struct cohort_str text, int *fd)
{
    struct cohort_message message = {
        .data = text.data,
        .size = text.size,
        .fd = *fd,
    };
    const struct coh_cluster_event event = {
        .kind = COH_CLUSTER_MESSAGE,
        .member = member,
        .message = &message,
    };

    if (member->is_hung_up) {
        return; /* it is only waited for: for the program it is gone */
    }
    coh_cluster_tell_now(member->cluster, &event);
    *fd = message.fd;
}

void
coh_member_query(
    struct cohort_worker *member, uint64_t request,
    const struct coh_query *query)
{
    char why[COH_LISTENER_WHY_MAX] = "";
    struct coh_codec_answer answer = {.request = request, .why = why};

    if (member->is_hung_up) {
        return;
    }
    if (member->is_leaving) {
        answer.result = -ECANCELED;
    } else {
        answer.result = coh_site_join(member, query, &answer.seat, why);
    }
    if (answer.result < 0 && answer.result != -ECANCELED) {
        cohort_info(
            member->cluster->log, "worker %llu: %s",
            (unsigned long long)member->id, why);
    }
    if (member->codec->answer(member, &answer) < 0) {
        /* It would wait for ever: it reads nothing, or asks without end. */
        cohort_error(
            member->cluster->log,
            "closing the channel to worker %llu: it takes no answers",
            (unsigned long long)member->id);
        coh_member_hang_up(member);
    } else if (answer.seat != NULL) {
        coh_seat_open(answer.seat);
    }
}

void
coh_member_ready(struct cohort_worker *member)
{
    if (!member->is_ready) {
        member->is_ready = true;
        coh_cluster_tell_kind(member->cluster, COH_CLUSTER_READY, member);
    }
}

/* The first address makes it ready. */
void
coh_member_listening(struct coh_seat *seat)
{
    struct cohort_worker *member = seat->member;
    struct coh_cluster_event event = {
        .kind = COH_CLUSTER_LISTENING,
        .member = member,
    };

    member->state = COHORT_WORKER_LISTENING;
    coh_member_ready(member);
    coh_query_describe(
        &seat->site->query, &seat->site->bound, &event.address, event.host);
    coh_cluster_tell(member->cluster, &event);
}

void
coh_member_closed(struct coh_seat *seat)
{
    coh_site_leave(seat, false);
}

void
coh_member_leaving(struct cohort_worker *member, bool is_kill)
{
    member->is_leaving = true;
    member->leaving = COHORT_LEAVING_VOLUNTARY;
    if (member->reason == COHORT_REASON_SELF) {
        member->reason =
            is_kill ? COHORT_REASON_KILL : COHORT_REASON_DISCONNECT;
    }
}
