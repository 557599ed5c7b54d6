/* Programs that are given sockets from which others accept: workers that are
   built in, or those of a group with another protocol.

   Whether accept() waits is a property of the socket, the same for all who have
   it. Programs may count on one that blocks; who accepts beside others must not
   have it, or hangs when another one is first. So they do not meet: the
   programs are started when the others have been told to leave and accept no
   more. Until then connections wait in the socket's queue. If that takes too
   long the socket stays one that does not block (coh_group_lend). */
#include <inttypes.h>
#include <stdio.h>

#include "core/addr.h"
#include "core/clock.h"
#include "core/event.h"
#include "server/accept/policy.h"
#include "server/cluster/member.h"
#include "server/primary/generation.h"
#include "server/primary/groups/group.h"
#include "server/primary/primary.h"
#include "server/primary/worker.h"

/* How often to look. */
#define LOOK_MS 10

/* --- who accepts there ---------------------------------------------------- */

/* "worker 7 (process 4711)" */
#define WHO_MAX 64

/* What another primary does there nobody here knows: nobody waits for it. */
static bool
is_held(const struct coh_listener *listener)
{
    return listener->lent_count == 0 &&
        coh_listener_acceptor_count(listener) > 0;
}

/* Do workers of the generation accept by themselves there? The generation may
   have given its listeners back. */
static bool
gave_socket(
    const struct coh_generation *generation,
    const struct coh_listener *listener)
{
    for (size_t i = 0; i < generation->acceptor_count; i++) {
        const struct coh_listen_request *request = &generation->requests[i];

        if (generation->cover[i] == i &&
            coh_policy_of(request->options.policy)->worker_start &&
            coh_addr_equal(&request->address, &listener->address)) {
            return true;
        }
    }
    return false;
}

/* Built-in workers that were told to leave have not read it yet. */
static const struct coh_worker *
find_worker(
    const struct coh_primary *primary, const struct coh_listener *listener)
{
    const struct coh_worker *worker;

    TAILQ_FOREACH (worker, &primary->workers, link) {
        if (worker->state == COH_WORKER_DRAINING && !worker->has_left_sockets &&
            gave_socket(worker->generation, listener)) {
            return worker;
        }
    }
    return NULL;
}

/* The same of groups. */
static const struct cohort_worker *
find_member(
    const struct coh_primary *primary, const struct coh_listener *listener)
{
    const struct coh_group *group;
    const struct cohort_worker *member;

    TAILQ_FOREACH (group, &primary->groups, link) {
        TAILQ_FOREACH (member, &group->cluster.members, link) {
            if (coh_member_may_accept(member, listener)) {
                return member;
            }
        }
    }
    return NULL;
}

bool
coh_group_has_stragglers(
    const struct coh_primary *primary, const struct coh_listener *listener)
{
    return find_worker(primary, listener) || find_member(primary, listener);
}

/* False: nobody accepts there any more. */
static bool
find_other(
    const struct coh_primary *primary, const struct coh_listener *listener,
    char who[WHO_MAX])
{
    const struct coh_worker *worker = find_worker(primary, listener);
    const struct cohort_worker *member = find_member(primary, listener);

    if (listener->lent_count > 0) {
        return false; /* it does not block in any case */
    }
    if (worker || member) {
        snprintf(
            who, WHO_MAX, "worker %" PRIu64 " (process %d)",
            worker ? worker->id : member->id,
            (int)(worker ? worker->child.pid : member->pid));
        return true;
    }
    snprintf(who, WHO_MAX, "another one");
    return is_held(listener);
}

/* --- waiting -------------------------------------------------------------- */

static void
warn(
    const struct coh_group *group, const struct coh_listener *listener,
    const char *who)
{
    char text[COH_ADDR_TEXT_MAX];

    cohort_warn(
        &group->primary->log,
        "the worker group %s starts while %s may still accept from %s: before "
        "that has left, programs get a socket that does not block; end it if "
        "it hangs",
        group->name, who, coh_addr_format(&listener->address, text));
}

static bool
must_wait(const struct coh_group *group)
{
    bool is_over = coh_monotonic_ms() >= group->postponed_until_ms;
    char who[WHO_MAX];

    for (unsigned i = 0; i < group->listener_count; i++) {
        const struct coh_listener *listener = group->listeners[i];

        if (find_other(group->primary, listener, who)) {
            if (!is_over) {
                return true;
            }
            warn(group, listener, who);
        }
    }
    return false;
}

static void
on_look(evutil_socket_t fd, short what, void *user)
{
    struct coh_group *group = user;

    (void)fd;
    (void)what;
    if (must_wait(group)) {
        coh_event_add_ms(&group->postponed, LOOK_MS);
        return;
    }
    group->is_postponed = false;
    coh_group_settle(group);
    coh_pending_look(group->primary); /* all its places may be vacant */
}

void
coh_group_postpone_init(struct coh_group *group)
{
    event_assign(
        &group->postponed, group->primary->loop.base, -1, 0, on_look, group);
}

void
coh_group_postpone_fini(struct coh_group *group)
{
    event_del(&group->postponed);
}

int
coh_group_postpone(struct coh_group *group, char why[COH_LISTENER_WHY_MAX])
{
    for (unsigned i = 0; i < group->listener_count; i++) {
        group->is_postponed |= is_held(group->listeners[i]);
    }
    return group->is_postponed ? coh_group_check_program(group, why) : 0;
}

void
coh_group_postpone_end(struct coh_group *group)
{
    if (group->is_postponed) {
        group->postponed_until_ms = coh_monotonic_ms() + COH_GROUP_POSTPONED_MS;
        coh_event_add_ms(&group->postponed, LOOK_MS);
    }
}
