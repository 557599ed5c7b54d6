/* The sockets of a site, and what goes wrong with them. */
#include "server/cluster/site_open.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/socket.h"
#include "server/cluster/cluster.h"

int
coh_site_fail(
    const struct coh_query *query, int reason, char why[COH_LISTENER_WHY_MAX])
{
    char text[COH_ADDR_TEXT_MAX];

    if (query->fd >= 0) {
        snprintf(
            why, COH_LISTENER_WHY_MAX,
            "cannot listen on the primary's descriptor %d: %s", query->fd,
            strerror(-reason));
    } else {
        snprintf(
            why, COH_LISTENER_WHY_MAX, "cannot listen on %s%s: %s",
            query->is_udp ? "udp " : "", coh_addr_format(&query->address, text),
            strerror(-reason));
    }
    return reason;
}

static int
bind_udp(int fd, const struct coh_query *query, bool shares_port)
{
    int result = 0;

    if (query->address.u.any.sa_family == AF_INET6) {
        result = coh_socket_option(
            fd, IPPROTO_IPV6, IPV6_V6ONLY, query->options.ipv6only);
    }
    if (result == 0 && shares_port) {
        result = coh_socket_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    }
    if (result == 0 &&
        bind(fd, &query->address.u.any, query->address.size) < 0) {
        result = -errno;
    }
    return result;
}

int
coh_site_open_udp(
    const struct coh_query *query, bool shares_port,
    char why[COH_LISTENER_WHY_MAX])
{
    int fd = socket(
        query->address.u.any.sa_family,
        SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int result = fd < 0 ? -errno : bind_udp(fd, query, shares_port);

    if (result < 0) {
        if (fd >= 0) {
            close(fd);
        }
        return coh_site_fail(query, result, why);
    }
    return fd;
}

static int
option_of(int fd, int name)
{
    int value = -1;
    socklen_t size = sizeof(value);

    return getsockopt(fd, SOL_SOCKET, name, &value, &size) < 0 ? -1 : value;
}

/* Of the kind that is asked for? Any other is nothing for workers. */
static bool
is_fitting(int fd, const struct coh_query *query)
{
    int domain = option_of(fd, SO_DOMAIN);

    return query->is_udp ? option_of(fd, SO_TYPE) == SOCK_DGRAM &&
            (domain == AF_INET || domain == AF_INET6)
                         : option_of(fd, SO_TYPE) == SOCK_STREAM;
}

/* A copy of one of the primary's descriptors. */
static int
copy_fd(const struct coh_query *query, char why[COH_LISTENER_WHY_MAX])
{
    int fd = fcntl(query->fd, F_DUPFD_CLOEXEC, 0);

    if (fd < 0) {
        return coh_site_fail(query, -errno, why);
    }
    if (!is_fitting(fd, query)) {
        close(fd);
        return coh_site_fail(query, -EINVAL, why);
    }
    return fd;
}

static int
open_listener(
    struct coh_site *site, struct coh_listener **listener,
    char why[COH_LISTENER_WHY_MAX])
{
    const struct coh_query *query = &site->query;
    const struct coh_listen_request request = {
        .address = query->address,
        .options = query->options,
    };
    int result;
    int fd;

    if (query->fd < 0) {
        return coh_listener_open(
            site->cluster->listeners, &request, listener, why);
    }
    fd = copy_fd(query, why);
    if (fd < 0) {
        return fd;
    }
    result = coh_listener_adopt(
        site->cluster->listeners, fd, &query->options, listener);
    return result < 0 ? coh_site_fail(query, result, why) : 0;
}

static struct coh_site *
site_of(struct coh_rotation *rotation)
{
    return (struct coh_site
                *)((char *)rotation - offsetof(struct coh_site, rotation));
}

/* Nobody has had room for a while, or somebody has again. */
static void
on_paused(struct coh_rotation *rotation, bool is_paused)
{
    struct coh_site *site = site_of(rotation);
    struct coh_cluster_event event = {
        .kind = is_paused ? COH_CLUSTER_PAUSED : COH_CLUSTER_RESUMED,
    };

    coh_query_describe(&site->query, &site->bound, &event.address, event.host);
    coh_cluster_tell(site->cluster, &event);
}

/* Whoever could take them has gone. A group's are logged as what it tells. */
static void
on_dropped(struct coh_rotation *rotation, unsigned count, bool is_told)
{
    struct coh_site *site = site_of(rotation);
    struct coh_cluster_event event = {
        .kind = COH_CLUSTER_DROPPED,
        .count = count,
    };

    if (site->cluster->owner != NULL && !is_told) {
        char text[COH_ADDR_TEXT_MAX];

        cohort_warn(
            site->cluster->log,
            "closing %u connections of %s that no worker has taken", count,
            coh_addr_format(&site->bound, text));
    }
    coh_query_describe(&site->query, &site->bound, &event.address, event.host);
    coh_cluster_tell(site->cluster, &event);
}

static int
open_tcp(struct coh_site *site, char why[COH_LISTENER_WHY_MAX])
{
    struct coh_listener *listener;
    int result = open_listener(site, &listener, why);

    if (result < 0) {
        return result;
    }
    site->bound = listener->address;
    coh_rotation_init(&site->rotation, site->cluster->loop, site->cluster->log);
    site->rotation.on_paused = on_paused;
    site->rotation.on_dropped = on_dropped;
    result = coh_acceptor_init(
        &site->acceptor, site->policy, listener, &site->rotation, site->number,
        1, why);
    if (result < 0) {
        coh_rotation_fini(&site->rotation);
        return result;
    }
    site->policy = site->acceptor.policy->id; /* as far as it can be had here */
    return 0;
}

int
coh_site_open(struct coh_site *site, char why[COH_LISTENER_WHY_MAX])
{
    int result;

    if (!site->query.is_udp) {
        return open_tcp(site, why);
    }
    site->udp = site->query.fd < 0 ? coh_site_open_udp(&site->query, false, why)
                                   : copy_fd(&site->query, why);
    if (site->udp < 0) {
        return site->udp;
    }
    result = coh_addr_of_socket(site->udp, &site->bound);
    if (result < 0) {
        close(site->udp);
        site->udp = -1;
        return coh_site_fail(&site->query, result, why);
    }
    return 0;
}
