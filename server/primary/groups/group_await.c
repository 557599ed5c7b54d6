/* Offers of a group that leaves, until its workers have taken them. */
#include "server/primary/groups/group_await.h"

#include "core/event.h"
#include "server/cluster/site.h"
#include "server/primary/groups/group.h"
#include "server/primary/primary.h"

/* How often to look whether all that was accepted has found its worker. */
#define LOOK_MS 10

static void
on_look(evutil_socket_t fd, short what, void *user)
{
    struct coh_group *group = user;

    (void)fd;
    (void)what;
    if (!group->is_ended) {
        group->await.then(group);
        coh_cluster_tell_later(&group->cluster);
    }
}

void
coh_group_await_init(struct coh_group *group)
{
    event_assign(
        &group->await.look, group->primary->loop.base, -1, 0, on_look, group);
}

void
coh_group_await_fini(struct coh_group *group)
{
    event_del(&group->await.look);
}

bool
coh_group_has_offers(const struct coh_group *group)
{
    const struct coh_site *site;

    TAILQ_FOREACH (site, &group->cluster.sites, link) {
        if (site->udp < 0 && coh_rotation_waiting(&site->rotation) > 0 &&
            !TAILQ_EMPTY(&site->rotation.peers)) {
            return true;
        }
    }
    return false;
}

bool
coh_group_await(struct coh_group *group, void (*then)(struct coh_group *group))
{
    struct coh_site *site;

    if (group->cluster.successor) {
        return false;
    }
    TAILQ_FOREACH (site, &group->cluster.sites, link) {
        coh_site_stop(site);
    }
    if (!coh_group_has_offers(group) || coh_group_time_is_over(group)) {
        return false;
    }
    group->await.then = then;
    coh_event_add_ms(&group->await.look, LOOK_MS);
    return true;
}
