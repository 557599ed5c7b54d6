/* A group on its way out: what nobody follows on is emptied, then its workers
   finish what they have. */
#include "server/accept/emptying.h"
#include "server/cluster/site.h"
#include "server/primary/group.h"
#include "server/primary/primary.h"

static void
leave(struct coh_group *group)
{
    group->state = COH_GROUP_LEAVING;
    group->starter = NULL;
    for (unsigned i = 0; i < group->place_count; i++) {
        event_del(&group->places[i].later);
        group->places[i].predecessor = 0;
    }
    group->cluster.keeps_sites = false;
    coh_site_close_empty(&group->cluster);
    coh_cluster_tell_later(&group->cluster); /* it may be over already */
}

static void
dismiss_all(struct coh_group *group)
{
    struct cohort_worker *member;

    TAILQ_FOREACH (member, &group->cluster.members, link) {
        coh_group_dismiss(group, member, group->reason);
    }
    coh_cluster_hand_on(&group->cluster, group->cluster.successor);
}

/* --- addresses that nobody has after it ----------------------------------- */

static void
on_emptied(void *user)
{
    struct coh_group *group = user;
    struct coh_site *site;

    /* Before another descriptor gets the number of a socket that is closed. */
    TAILQ_FOREACH (site, &group->cluster.sites, link) {
        if (site->udp < 0 && coh_listener_is_closed(site->acceptor.listener)) {
            coh_acceptor_stop(&site->acceptor);
        }
    }
    group->emptying_count--;
    if (group->emptying_count == 0) {
        dismiss_all(group);
        coh_cluster_tell_later(&group->cluster);
    }
}

/* Its workers serve meanwhile, and take what still waits there. */
static void
empty(struct coh_group *group)
{
    struct coh_site *site;

    TAILQ_FOREACH (site, &group->cluster.sites, link) {
        struct coh_listener *listener = site->acceptor.listener;

        if (site->udp < 0 && listener->references == 1 &&
            coh_emptying_start(
                listener, 0, &group->primary->loop, NULL, on_emptied, group) ==
                0) {
            group->emptying_count++;
        }
    }
}

static void
stop_emptying(struct coh_group *group)
{
    struct coh_site *site;

    group->emptying_count++; /* the last one must not end the sites under us */
    TAILQ_FOREACH (site, &group->cluster.sites, link) {
        if (site->udp < 0) {
            coh_emptying_cancel(site->acceptor.listener);
        }
    }
    group->emptying_count--;
}

/* --- leaving -------------------------------------------------------------- */

void
coh_group_retire(
    struct coh_group *group, struct coh_group *successor,
    enum cohort_reason reason)
{
    leave(group);
    group->reason = reason;
    group->cluster.successor = successor ? &successor->cluster : NULL;
    empty(group);
    if (group->emptying_count == 0) {
        dismiss_all(group);
    }
}

void
coh_group_end(struct coh_group *group, int number)
{
    leave(group);
    stop_emptying(group);
    coh_cluster_kill(&group->cluster, number, COHORT_REASON_KILL);
}
