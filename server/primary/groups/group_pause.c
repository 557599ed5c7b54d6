/* A group whose workers leave and which stays, with its sockets: others come
   later, or another primary has the same sockets. */
#include "core/clock.h"
#include "core/event.h"
#include "server/cluster/site.h"
#include "server/primary/groups/group.h"
#include "server/primary/primary.h"

/* How often to look whether all that was accepted has found its worker. */
#define SETTLE_MS 10

static void
dismiss_all(struct coh_group *group)
{
    struct cohort_worker *member;

    TAILQ_FOREACH (member, &group->cluster.members, link) {
        coh_group_dismiss(group, member, COHORT_REASON_DISCONNECT);
    }
}

static void
go_on(struct coh_group *group)
{
    if (coh_group_has_offers(group) && !coh_group_time_is_over(group)) {
        coh_event_add_ms(&group->pause, SETTLE_MS);
    } else {
        dismiss_all(group);
    }
}

static void
on_pause(evutil_socket_t fd, short what, void *user)
{
    (void)fd;
    (void)what;
    go_on(user);
}

void
coh_group_pause_init(struct coh_group *group)
{
    event_assign(
        &group->pause, group->primary->loop.base, -1, 0, on_pause, group);
}

void
coh_group_pause_fini(struct coh_group *group)
{
    event_del(&group->pause);
}

void
coh_group_pause(struct coh_group *group)
{
    struct coh_site *site;

    if (group->cluster.is_paused) {
        return;
    }
    group->cluster.is_paused = true;
    group->pause_began_ms = coh_monotonic_ms();
    TAILQ_FOREACH (site, &group->cluster.sites, link) {
        if (site->udp < 0) {
            coh_acceptor_stop(&site->acceptor);
        }
    }
    go_on(group);
}

/* Those who were not told to leave yet serve on. */
void
coh_group_resume(struct coh_group *group)
{
    struct coh_site *site;

    event_del(&group->pause);
    if (!group->cluster.is_paused) {
        return;
    }
    group->cluster.is_paused = false;
    TAILQ_FOREACH (site, &group->cluster.sites, link) {
        if (site->udp < 0 && !TAILQ_EMPTY(&site->seats) &&
            coh_acceptor_start(&site->acceptor) < 0) {
            cohort_alert(
                &group->primary->log,
                "cannot watch a listening socket: out of memory");
        }
    }
}
