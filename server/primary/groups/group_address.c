/* Addresses of groups beside each other: the same one twice would give each
   group a part of the other's connections. */
#include "server/primary/groups/group_address.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "server/cluster/site.h"
#include "server/primary/generation.h"
#include "server/primary/groups/group.h"

static int
refuse(
    const struct coh_addr *address, const char *owner,
    char why[COH_LISTENER_WHY_MAX])
{
    char text[COH_ADDR_TEXT_MAX];

    snprintf(
        why, COH_LISTENER_WHY_MAX,
        "cannot listen on %s: it belongs to the worker group %s; choose "
        "another address",
        coh_addr_format(address, text), owner);
    return -EADDRINUSE;
}

static bool
has_address(const struct coh_group *group, const struct coh_addr *address)
{
    const struct coh_site *site;

    for (unsigned i = 0; i < group->listener_count; i++) {
        if (coh_addr_equal(&group->listeners[i]->address, address)) {
            return true;
        }
    }
    TAILQ_FOREACH (site, &group->cluster.sites, link) {
        if (site->udp < 0 && coh_addr_equal(&site->bound, address)) {
            return true;
        }
    }
    return false;
}

/* Any port will do, so it is nobody's. */
static bool
is_any_port(const struct coh_addr *address)
{
    return address->u.any.sa_family != AF_UNIX && coh_addr_port(address) == 0;
}

int
coh_group_address_check(
    const struct coh_group *group, const struct coh_addr *address,
    char why[COH_LISTENER_WHY_MAX])
{
    const struct coh_generation *generation =
        group->starter ? group->starter : group->primary->current;

    if (!generation || is_any_port(address)) {
        return 0;
    }
    for (size_t i = 0; i < generation->request_count; i++) {
        if (coh_addr_equal(&generation->requests[i].address, address)) {
            return refuse(address, COH_GROUP_MAIN, why);
        }
    }
    for (size_t i = 0; i < generation->group_count; i++) {
        const struct coh_group *other = generation->groups[i];

        if (other && strcmp(other->name, group->name) != 0 &&
            has_address(other, address)) {
            return refuse(address, other->name, why);
        }
    }
    return 0;
}

int
coh_group_address_claim(
    struct coh_cluster *cluster, const struct coh_addr *address)
{
    const struct coh_group *group = coh_group_of(cluster);
    char why[COH_LISTENER_WHY_MAX];
    int result = coh_group_address_check(group, address, why);

    if (result < 0) {
        cohort_error(cluster->log, "worker group %s: %s", group->name, why);
    }
    return result;
}

int
coh_group_address_check_kept(
    const struct coh_group *group, const struct coh_generation *generation,
    char why[COH_LISTENER_WHY_MAX])
{
    for (size_t i = 0; i < generation->request_count; i++) {
        const struct coh_addr *address = &generation->requests[i].address;

        if (has_address(group, address)) {
            return refuse(address, group->name, why);
        }
    }
    return 0;
}
