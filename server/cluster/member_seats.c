/* A member's seats, all of them: whether it takes what it is offered there. */
#include "server/cluster/member.h"
#include "server/cluster/site.h"
#include "server/cluster/site_turns.h"

/* One whose answers come by the channel cannot be asked to give back what it
   has not taken: it is only passed over. */
static bool
has_words(const struct coh_seat *seat)
{
    return seat->member->codec->is_seat_busy == NULL;
}

void
coh_member_isolate(struct cohort_worker *member)
{
    struct coh_seat *seat;

    member->is_isolated = true;
    TAILQ_FOREACH (seat, &member->seats, member_link) {
        coh_site_turns_isolate(seat);
        if (has_words(seat)) {
            coh_rotation_remove(&seat->peer);
        } else {
            seat->peer.is_full = true;
        }
    }
}

void
coh_member_rejoin(struct cohort_worker *member)
{
    struct coh_seat *seat;

    member->is_isolated = false;
    TAILQ_FOREACH (seat, &member->seats, member_link) {
        if (seat->is_leaving) {
            continue;
        }
        if (has_words(seat)) {
            coh_seat_open(seat);
        } else {
            coh_handoff_credit(&seat->peer);
        }
    }
}

static uint64_t
ignored_since(struct coh_seat *seat, uint64_t now_ms)
{
    if (has_words(seat)) {
        return coh_handoff_ignored_since(&seat->peer, now_ms);
    }
    return seat->member->codec->is_seat_busy(seat) ? seat->peer.offered_ms[0]
                                                   : 0;
}

uint64_t
coh_member_ignored_since(struct cohort_worker *member, uint64_t now_ms)
{
    struct coh_seat *seat;
    uint64_t since = 0;

    TAILQ_FOREACH (seat, &member->seats, member_link) {
        uint64_t here = ignored_since(seat, now_ms);

        since = since == 0 || (here != 0 && here < since) ? here : since;
    }
    return since;
}

static bool
is_held(const struct cohort_worker *member)
{
    return member->codec->is_held != NULL && member->codec->is_held(member);
}

bool
coh_member_accepts(const struct cohort_worker *member)
{
    const struct coh_seat *seat;

    if (member->line == NULL) {
        return false;
    }
    if (member->codec->take_seat == NULL) {
        return member->is_ready; /* it was given its sockets */
    }
    TAILQ_FOREACH (seat, &member->seats, member_link) {
        if (seat->site->udp >= 0 ||
            (coh_seat_socket(seat) >= 0 && !is_held(member))) {
            return true;
        }
    }
    return false;
}

void
coh_member_note_left(struct coh_seat *seat)
{
    struct cohort_worker *member = seat->member;
    const struct coh_acceptor *acceptor = &seat->site->acceptor;

    if (seat->is_leaving) {
        return; /* known already */
    }
    member->unclosed_count++;
    if (seat->site->udp < 0 && acceptor->policy->worker_start != NULL &&
        member->left_count < COH_SEATS_MAX) {
        member->left[member->left_count++] = acceptor->listener;
    }
}

void
coh_member_has_closed(struct cohort_worker *member)
{
    if (member->unclosed_count > 0) {
        member->unclosed_count--;
    }
}

/* One whose channel has ended may still have the sockets, as long as it
   lives. */
bool
coh_member_may_accept(
    const struct cohort_worker *member, const struct coh_listener *listener)
{
    if (member->has_exited || member->unclosed_count == 0) {
        return false;
    }
    for (unsigned i = 0; i < member->left_count; i++) {
        if (member->left[i] == listener) {
            return true;
        }
    }
    return false;
}

uint64_t
coh_member_taken_count(const struct cohort_worker *member)
{
    const struct coh_seat *seat;
    uint64_t count = member->taken_count;

    TAILQ_FOREACH (seat, &member->seats, member_link) {
        count += seat->peer.taken_count;
    }
    if (member->codec->accepted_count != NULL) {
        count += member->codec->accepted_count(member);
    }
    return count;
}
