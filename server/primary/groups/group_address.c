/* Addresses of groups beside each other: the same one twice would give each
   group a part of the other's connections. */
#include "server/primary/groups/group_address.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "server/cluster/site.h"
#include "server/primary/generation.h"
#include "server/primary/groups/group.h"
#include "server/primary/helper.h"
#include "server/primary/primary.h"

/* kind: stands before the owner's name. */
static int
refuse(
    const struct coh_addr *address, const char *kind, const char *owner,
    char why[COH_LISTENER_WHY_MAX])
{
    char text[COH_ADDR_TEXT_MAX];

    snprintf(
        why, COH_LISTENER_WHY_MAX,
        "cannot listen on %s: it belongs to %s%s; choose another address",
        coh_addr_format(address, text), kind, owner);
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

static bool
has_listener(
    struct coh_listener *const *listeners, const struct coh_addr *asked)
{
    for (size_t i = 0; i < COH_ADMIN_ADDRESSES_MAX; i++) {
        if (listeners[i] && coh_addr_equal(&listeners[i]->address, asked)) {
            return true;
        }
    }
    return false;
}

static bool
is_of_admin(
    const struct coh_generation *generation, const struct coh_addr *address)
{
    return has_listener(generation->admin_listeners, address) ||
        has_listener(generation->primary->helper->listeners, address);
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
            return refuse(address, "the worker group ", COH_GROUP_MAIN, why);
        }
    }
    if (is_of_admin(generation, address)) {
        return refuse(address, "", "the admin helper", why);
    }
    for (size_t i = 0; i < generation->group_count; i++) {
        const struct coh_group *other = generation->groups[i];

        if (other && strcmp(other->name, group->name) != 0 &&
            has_address(other, address)) {
            return refuse(address, "the worker group ", other->name, why);
        }
    }
    return 0;
}

/* One that the server listens on itself, or gives its workers to. */
static bool
is_of_server(const struct coh_primary *primary, int fd)
{
    const struct coh_listener *listener;
    const struct coh_group *group;
    const struct coh_site *site;

    TAILQ_FOREACH (listener, &primary->listeners.list, link) {
        for (unsigned i = 0; i < listener->socket_count; i++) {
            if (listener->sockets[i] == fd) {
                return true;
            }
        }
    }
    TAILQ_FOREACH (group, &primary->groups, link) {
        TAILQ_FOREACH (site, &group->cluster.sites, link) {
            if (site->udp == fd) {
                return true;
            }
        }
    }
    return false;
}

static int
check_descriptor(
    const struct coh_group *group, const struct coh_query *query,
    char why[COH_LISTENER_WHY_MAX])
{
    struct coh_addr address = {.size = 0};

    if (is_of_server(group->primary, query->fd)) {
        snprintf(
            why, COH_LISTENER_WHY_MAX,
            "cannot listen on the primary's descriptor %d: it is one of the "
            "server's own sockets",
            query->fd);
        return -EADDRINUSE;
    }
    /* It may be a copy of one. What is no socket is refused as such later. */
    return query->is_udp || coh_addr_of_socket(query->fd, &address) < 0
        ? 0
        : coh_group_address_check(group, &address, why);
}

int
coh_group_address_claim(
    struct coh_cluster *cluster, const struct coh_query *query)
{
    const struct coh_group *group = coh_group_of(cluster);
    char why[COH_LISTENER_WHY_MAX];
    int result = 0;

    if (query->fd >= 0) {
        result = check_descriptor(group, query, why);
    } else if (!query->is_udp) {
        result = coh_group_address_check(group, &query->address, why);
    }
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
            return refuse(address, "the worker group ", group->name, why);
        }
    }
    return 0;
}
