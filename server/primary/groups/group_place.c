/* Places of a group and who stands in them: started, replaced, let go. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/event.h"
#include "server/cluster/site.h"
#include "server/primary/generation.h"
#include "server/primary/groups/group.h"
#include "server/primary/groups/group_care.h"
#include "server/primary/reload.h"

/* When a worker cannot even be started. */
#define RETRY_MS 1000

/* --- starting ------------------------------------------------------------- */

/* False: it cannot be had now. */
static bool
start_member(struct coh_group_place *place)
{
    const char **environment;
    int result = coh_place_environment_words(&place->environment, &environment);

    event_del(&place->later);
    place->is_ready = false;
    if (result == 0) {
        coh_group_lend(place->group);
        result = coh_cluster_fork(
            &place->group->cluster, environment, &place->member);
    }
    free(environment);
    if (result == 0) {
        coh_group_output_add(place->group, place->member);
    }
    return result == 0;
}

static bool
may_start(const struct coh_group *group)
{
    return !group->is_postponed &&
        (group->state == COH_GROUP_STARTING ||
         (group->state == COH_GROUP_SERVING && !group->primary->is_paused));
}

/* NULL: nobody is to leave for the member. */
static struct cohort_worker *
take_predecessor(struct coh_group_place *place)
{
    uint64_t id = place->predecessor;

    place->predecessor = 0;
    return id ? coh_cluster_member(&place->group->cluster, id) : NULL;
}

static void
become_ready(struct coh_group_place *place)
{
    struct coh_group *group = place->group;
    struct cohort_worker *predecessor = take_predecessor(place);

    coh_event_add_ms(
        &place->later, COH_GROUP_QUIET_MS); /* it may listen elsewhere, too */
    place->is_ready = true;
    coh_group_care_join(group, place->member);
    coh_group_tell(group, coh_group_event_of(COH_EVENT_READY, place->member));
    if (predecessor) {
        coh_group_dismiss(group, predecessor, COHORT_REASON_RECYCLED);
    }
    if (group->starter) {
        coh_reload_group_ready(group->starter);
    }
}

/* Where the dead listened and those who follow do not, nobody need wait. */
static void
close_unused(struct coh_group *group)
{
    if (!group->cluster.is_paused && coh_group_is_ready(group)) {
        coh_site_close_empty(&group->cluster);
    }
}

static void
on_later(evutil_socket_t fd, short what, void *user)
{
    struct coh_group_place *place = user;

    (void)fd;
    (void)what;
    if (place->is_ready) {
        close_unused(place->group);
    } else if (place->member) {
        become_ready(place);
    } else {
        coh_group_settle(place->group);
    }
}

void
coh_group_init_places(struct coh_group *group)
{
    for (unsigned i = 0; i < group->place_count; i++) {
        struct coh_group_place *place = &group->places[i];

        place->group = group;
        event_assign(
            &place->later, group->primary->loop.base, -1, 0, on_later, place);
    }
}

void
coh_group_settle(struct coh_group *group)
{
    for (unsigned i = 0; may_start(group) && i < group->target; i++) {
        struct coh_group_place *place = &group->places[i];

        if (!place->member && !place->is_vacant &&
            !event_pending(&place->later, EV_TIMEOUT, NULL) &&
            !start_member(place)) {
            coh_event_add_ms(&place->later, RETRY_MS);
        }
    }
}

/* --- leaving -------------------------------------------------------------- */

struct coh_group_place *
coh_group_place_of(struct coh_group *group, const struct cohort_worker *member)
{
    for (unsigned i = 0; i < group->place_count; i++) {
        if (group->places[i].member == member) {
            return &group->places[i];
        }
    }
    return NULL;
}

static void
leave_place(struct coh_group_place *place)
{
    event_del(&place->later);
    place->member = NULL;
    place->is_ready = false;
}

bool
coh_group_has_ready(struct coh_group *group, const struct cohort_worker *member)
{
    const struct coh_group_place *place = coh_group_place_of(group, member);

    return place && place->is_ready;
}

int
coh_group_replace(
    struct coh_group *group, struct cohort_worker *member, uint64_t *successor)
{
    struct coh_group_place *place = coh_group_place_of(group, member);

    if (group->state == COH_GROUP_LEAVING || !place || member->is_leaving) {
        return -EALREADY;
    }
    if (!place->is_ready || group->state != COH_GROUP_SERVING) {
        return -EINPROGRESS;
    }
    if (coh_monotonic_ms() < place->calm_until_ms) {
        return -EAGAIN; /* the one before did not live long */
    }
    if (!start_member(place)) {
        place->member = member;
        place->is_ready = true;
        return -ENOBUFS;
    }
    place->predecessor = member->id;
    *successor = place->member->id;
    return 0;
}

/* The one that was to be replaced stays, if it still serves, and gets
   connections again if it hung and is well now. */
static bool
reinstate(struct coh_group_place *place)
{
    struct cohort_worker *predecessor = take_predecessor(place);

    if (!predecessor || predecessor->is_leaving || predecessor->has_exited) {
        return false;
    }
    place->member = predecessor;
    place->is_ready = true;
    coh_member_stays(predecessor);
    return true;
}

/* Nobody waits for one that leaves to be gone. */
static void
occupy(struct coh_group_place *place)
{
    place->is_vacant = false;
    if (place->member && place->member->is_leaving) {
        leave_place(place);
        reinstate(place);
    }
}

static void
clear(struct coh_group_place *place)
{
    struct cohort_worker *member = place->member;
    struct cohort_worker *predecessor = take_predecessor(place);

    leave_place(place);
    place->is_vacant = false;
    coh_place_environment_forget(&place->environment);
    if (member) {
        coh_group_dismiss(place->group, member, COHORT_REASON_SCALE);
    }
    if (predecessor) {
        coh_group_dismiss(place->group, predecessor, COHORT_REASON_SCALE);
    }
}

void
coh_group_scale(struct coh_group *group, unsigned count)
{
    group->target = count;
    for (unsigned i = 0; i < group->place_count; i++) {
        if (i < count) {
            occupy(&group->places[i]);
        } else {
            clear(&group->places[i]);
        }
    }
    coh_group_settle(group);
}

/* --- what members do ------------------------------------------------------ */

void
coh_group_member_online(struct coh_group *group, struct cohort_worker *member)
{
    struct coh_group_place *place = coh_group_place_of(group, member);

    if (place && !place->is_ready && !group->did_listen) {
        coh_event_add_ms(&place->later, COH_GROUP_QUIET_MS);
    }
}

void
coh_group_member_listens(struct coh_group *group, struct cohort_worker *member)
{
    struct coh_group_place *place = coh_group_place_of(group, member);

    if (place && !place->is_ready) {
        group->did_listen = true;
        become_ready(place);
    }
}

static void
tell_crash_loop(
    struct coh_group *group, const struct cohort_worker *member,
    uint64_t delay_ms)
{
    struct coh_event event = coh_group_event_of(COH_EVENT_CRASH_LOOP, member);

    event.delay_ms = delay_ms;
    coh_group_tell(group, event);
}

/* How long to wait before another one follows a member that has ended. */
static uint64_t
back_off(struct coh_group_place *place, const struct cohort_worker *member)
{
    uint64_t now_ms = coh_monotonic_ms();
    uint64_t delay_ms =
        coh_respawn_delay(&place->respawn, now_ms - member->born_ms);
    uint64_t pace_ms =
        coh_respawn_pace(&place->group->pace, now_ms, place->group->target);

    delay_ms = delay_ms > pace_ms ? delay_ms : pace_ms;
    if (delay_ms > 0) {
        tell_crash_loop(place->group, member, delay_ms);
    }
    return delay_ms;
}

static bool
take_back(struct coh_group_place *place, const struct cohort_worker *member)
{
    if (!reinstate(place)) {
        return false;
    }
    place->calm_until_ms = coh_monotonic_ms() + back_off(place, member);
    return true;
}

static void
replace(struct coh_group_place *place, const struct cohort_worker *member)
{
    uint64_t delay_ms = back_off(place, member);

    if (delay_ms > 0) {
        coh_event_add_ms(&place->later, delay_ms);
    } else {
        coh_group_settle(place->group);
    }
}

bool
coh_group_is_followed(
    const struct coh_group *group, const struct cohort_worker *member)
{
    switch (group->declaration->frame->respawn) {
    case COH_GROUP_RESPAWN_OFF:
        return false;
    case COH_GROUP_RESPAWN_ALWAYS:
        return true;
    default:
        return member->leaving != COHORT_LEAVING_VOLUNTARY;
    }
}

static void
fail_start(
    struct coh_group *group, const struct cohort_worker *member,
    const char *how)
{
    char why[256];

    snprintf(
        why, sizeof(why), "its worker %" PRIu64 " of the group %s %s",
        member->id, group->name, how);
    coh_reload_failed(group->starter, why);
}

void
coh_group_member_ended(
    struct coh_group *group, struct cohort_worker *member, const char *how)
{
    struct coh_group_place *place = coh_group_place_of(group, member);

    coh_group_care_lose(member);
    if (!place) {
        return; /* another one stands there already */
    }
    leave_place(place);
    if (group->state == COH_GROUP_STARTING) {
        fail_start(group, member, how);
    } else if (group->state == COH_GROUP_SERVING && !take_back(place, member)) {
        if (coh_group_is_followed(group, member)) {
            replace(place, member);
        } else {
            place->is_vacant = true;
            close_unused(group);
        }
    }
}
