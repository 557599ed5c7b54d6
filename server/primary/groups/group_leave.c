/* A group on its way out: what nobody follows on is emptied, then its workers
   finish what they have. */
#include <signal.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/event.h"
#include "server/accept/emptying.h"
#include "server/cluster/site.h"
#include "server/primary/generation.h"
#include "server/primary/groups/groups.h"

/* How often to look whether somebody takes what waits. */
#define SETTLE_MS 10

/* SIGKILL follows another signal after this long. */
#define KILL_MS 1000

/* An address that is being emptied. */
struct coh_group_emptying {
    LIST_ENTRY(coh_group_emptying) link;
    struct coh_group *group;
    struct coh_listener *listener; /* the emptying holds a reference */
};

static void
leave(struct coh_group *group)
{
    const struct coh_generation *current = group->primary->current;

    coh_group_postpone_fini(group);
    group->state = COH_GROUP_LEAVING;
    group->starter = NULL;
    if (current) { /* of one that leaves there will be none */
        group->shutdown_timeout_ms = current->settings.shutdown_timeout_ms;
    }
    for (unsigned i = 0; i < group->place_count; i++) {
        event_del(&group->places[i].later);
        group->places[i].predecessor = 0;
    }
    coh_group_resume(group); /* they take what still waits */
    group->cluster.keeps_sites = false;
    coh_site_close_empty(&group->cluster);
    coh_cluster_tell_later(&group->cluster); /* it may be over already */
}

static void
dismiss_all(struct coh_group *group)
{
    struct cohort_worker *member;

    if (coh_group_await(group, dismiss_all)) {
        return;
    }
    TAILQ_FOREACH (member, &group->cluster.members, link) {
        coh_group_dismiss(group, member, group->reason);
    }
    coh_cluster_hand_on(&group->cluster, group->cluster.successor);
}

/* --- addresses that nobody has after it ----------------------------------- */

bool
coh_group_is_emptying(const struct coh_group *group)
{
    return !LIST_EMPTY(&group->emptyings);
}

/* Before another descriptor gets the number of a socket that is closed. */
static void
stop_acceptors(struct coh_group *group)
{
    struct coh_site *site;

    TAILQ_FOREACH (site, &group->cluster.sites, link) {
        if (site->udp < 0 && coh_listener_is_closed(site->acceptor.listener)) {
            coh_acceptor_stop(&site->acceptor);
        }
    }
}

static void
on_emptied(void *user)
{
    struct coh_group_emptying *emptying = user;
    struct coh_group *group = emptying->group;

    LIST_REMOVE(emptying, link);
    free(emptying);
    stop_acceptors(group);
    if (!coh_group_is_emptying(group) && !group->is_ended) {
        event_del(&group->settle);
        dismiss_all(group);
        coh_cluster_tell_later(&group->cluster);
    }
}

/* Without memory the address is closed when its last worker leaves. */
static void
empty(struct coh_group *group, struct coh_listener *listener, unsigned first)
{
    struct coh_group_emptying *emptying = malloc(sizeof(*emptying));

    if (!emptying) {
        return;
    }
    emptying->group = group;
    emptying->listener = listener;
    if (coh_emptying_start(
            listener, first, &group->primary->loop, NULL, on_emptied,
            emptying) == 0) {
        LIST_INSERT_HEAD(&group->emptyings, emptying, link);
    } else {
        free(emptying);
    }
}

/* Sockets that nobody accepts from after it: all, if nobody else has the
   address, or those from the second on, if programs are given the first. What
   others have themselves they look after (server/cluster/foster.h). */
static void
empty_orphans(struct coh_group *group, struct coh_listener *listener)
{
    const struct coh_group *heir =
        coh_groups_of_listener(group->primary, listener);

    if (listener->references == 1) {
        empty(group, listener, 0);
    } else if (
        heir && coh_group_gives(heir, listener) && listener->socket_count > 1) {
        empty(group, listener, 1);
    }
}

/* Its workers serve meanwhile, and take what still waits there. */
static void
empty_all(struct coh_group *group)
{
    struct coh_site *site;

    TAILQ_FOREACH (site, &group->cluster.sites, link) {
        if (site->udp < 0) {
            empty_orphans(group, site->acceptor.listener);
        }
    }
    for (unsigned i = 0; i < group->listener_count; i++) {
        empty_orphans(group, group->listeners[i]);
    }
}

/* --- waiting for them ----------------------------------------------------- */

/* Of programs that are given what they listen on. */
static bool
has_ready(const struct coh_group *group)
{
    const struct cohort_worker *member;

    TAILQ_FOREACH (member, &group->cluster.members, link) {
        if (member->is_ready && !member->is_leaving && !member->has_exited) {
            return true;
        }
    }
    return false;
}

/* Somebody listens there, and so may take what waits. */
static bool
has_takers(const struct coh_group *group, const struct coh_listener *listener)
{
    const struct coh_site *site;

    TAILQ_FOREACH (site, &group->cluster.sites, link) {
        if (site->udp < 0 && site->acceptor.listener == listener &&
            !TAILQ_EMPTY(&site->seats)) {
            return true;
        }
    }
    return listener->given_count > 0 && has_ready(group);
}

static bool
has_waiting(const struct coh_group *group)
{
    const struct coh_group_emptying *emptying;

    LIST_FOREACH (emptying, &group->emptyings, link) {
        if (coh_emptying_has_waiting(emptying->listener)) {
            return true;
        }
    }
    return false;
}

/* A socket has to be empty for a while, too: that does not count. */
static void
count_time(struct coh_group *group)
{
    uint64_t now_ms = coh_monotonic_ms();

    if (!has_waiting(group)) {
        group->leave_began_ms += now_ms - group->looked_ms;
    }
    group->looked_ms = now_ms;
}

/* With the last one the workers are told to leave. */
static void
give_up(struct coh_group *group, bool is_for_all)
{
    struct coh_group_emptying *emptying = LIST_FIRST(&group->emptyings);

    while (emptying) {
        struct coh_group_emptying *next = LIST_NEXT(emptying, link);

        if (is_for_all || !has_takers(group, emptying->listener)) {
            coh_emptying_give_up(emptying->listener);
        }
        emptying = next;
    }
}

/* Those who take what waits may die, listen no more, or have no room. */
static void
look_for_takers(struct coh_group *group)
{
    bool is_over;

    count_time(group);
    is_over = coh_group_time_is_over(group);
    if (is_over) {
        cohort_warn(
            &group->primary->log,
            "the worker group %s leaves though somebody waits to be accepted: "
            "worker_shutdown_timeout is over",
            group->name);
    }
    give_up(group, is_over);
    if (coh_group_is_emptying(group)) {
        coh_event_add_ms(&group->settle, SETTLE_MS);
    }
}

static void
on_settle(evutil_socket_t fd, short what, void *user)
{
    struct coh_group *group = user;

    (void)fd;
    (void)what;
    if (group->is_ended) {
        coh_cluster_kill(&group->cluster, SIGKILL, COHORT_REASON_KILL);
    } else {
        look_for_takers(group);
    }
}

void
coh_group_leave_init(struct coh_group *group)
{
    LIST_INIT(&group->emptyings);
    event_assign(
        &group->settle, group->primary->loop.base, -1, 0, on_settle, group);
    coh_group_await_init(group);
}

void
coh_group_leave_fini(struct coh_group *group)
{
    event_del(&group->settle);
    coh_group_await_fini(group);
}

/* --- leaving -------------------------------------------------------------- */

void
coh_group_retire(
    struct coh_group *group, struct coh_group *successor,
    enum cohort_reason reason)
{
    /* Before those are closed where nobody is left. */
    group->cluster.successor = successor ? &successor->cluster : NULL;
    group->reason = reason;
    leave(group);
    group->leave_began_ms = coh_monotonic_ms();
    group->looked_ms = group->leave_began_ms;
    empty_all(group);
    if (coh_group_is_emptying(group)) {
        coh_event_add_ms(&group->settle, SETTLE_MS);
    } else {
        dismiss_all(group);
    }
}

void
coh_group_end(struct coh_group *group, int number)
{
    group->is_ended = true;
    leave(group);
    give_up(group, true);
    coh_cluster_kill(&group->cluster, number, COHORT_REASON_KILL);
    coh_event_add_ms(&group->settle, KILL_MS);
}
