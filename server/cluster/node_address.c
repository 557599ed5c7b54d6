/* Node's addresses: texts, types and flags. */
#include "server/cluster/node_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/str.h"

#define IPV6_ONLY 1 /* in flags */

/* --- a worker's question -------------------------------------------------- */

/* A path that is too long for a socket may be short enough from where we
   are. */
static struct cohort_str
shorten(struct cohort_str path)
{
    char folder[PATH_MAX];
    struct cohort_str prefix;

    if (getcwd(folder, sizeof(folder)) == NULL) {
        return path;
    }
    prefix = cohort_str(folder);
    if (!coh_str_starts_with(path, prefix) || path.size <= prefix.size + 1 ||
        path.data[prefix.size] != '/') {
        return path;
    }
    return coh_str_from(path, prefix.size + 1);
}

static int
read_path(struct cohort_str path, struct coh_addr *addr)
{
    struct sockaddr_un *local = &addr->u.local;

    if (path.size == 0 || path.data[0] != '/') {
        return -EINVAL;
    }
    if (path.size >= sizeof(local->sun_path)) {
        path = shorten(path);
    }
    if (path.size >= sizeof(local->sun_path)) {
        return -ENAMETOOLONG;
    }
    local->sun_family = AF_UNIX;
    memcpy(local->sun_path, path.data, path.size);
    addr->size =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.size + 1);
    return 0;
}

/* text empty: any address of the family. */
static int
read_ip(
    int family, struct cohort_str host, uint16_t port, struct coh_addr *addr)
{
    char text[INET6_ADDRSTRLEN + 1] = "";
    void *out = family == AF_INET6 ? (void *)&addr->u.v6.sin6_addr
                                   : (void *)&addr->u.v4.sin_addr;

    if (host.size >= sizeof(text)) {
        return -EINVAL;
    }
    memcpy(text, host.data, host.size);
    addr->u.any.sa_family = (sa_family_t)family;
    addr->size = family == AF_INET6 ? sizeof(addr->u.v6) : sizeof(addr->u.v4);
    coh_addr_set_port(addr, port);
    if (host.size > 0 && inet_pton(family, text, out) != 1) {
        return -EINVAL;
    }
    return 0;
}

static int
family_of(const struct coh_node_query *asked, bool has_host)
{
    switch (asked->type) {
    case COH_NODE_TYPE_6:
    case COH_NODE_TYPE_UDP6:
        return AF_INET6;
    case COH_NODE_TYPE_UDP4:
        return AF_INET;
    default:
        return has_host ? AF_INET : AF_INET6; /* both, where there is IPv6 */
    }
}

static int
read_host(const struct coh_node_query *asked, struct coh_query *query)
{
    bool has_host = asked->address.presence == COH_NODE_GIVEN;
    struct cohort_str host =
        has_host ? asked->address.value : cohort_str_n("", 0);
    int port = asked->port.presence == COH_NODE_GIVEN ? asked->port.value : 0;

    if (port < 0 || port > UINT16_MAX) {
        return -EINVAL;
    }
    query->has_host = has_host || query->is_udp;
    return read_ip(
        family_of(asked, has_host), host, (uint16_t)port, &query->address);
}

int
coh_node_address_read(
    const struct coh_node_query *asked, struct coh_query *query)
{
    memset(query, 0, sizeof(*query));
    query->fd = -1;
    query->is_udp =
        asked->type == COH_NODE_TYPE_UDP4 || asked->type == COH_NODE_TYPE_UDP6;
    query->ordinal = (uint32_t)asked->index.value;
    query->options.ipv6only = (asked->flags.value & IPV6_ONLY) != 0;
    query->options.backlog =
        asked->backlog.value > 0 ? asked->backlog.value : 0;
    if (asked->fd.presence == COH_NODE_GIVEN && asked->fd.value >= 0) {
        query->fd = asked->fd.value;
        return 0;
    }
    if (asked->type == COH_NODE_TYPE_LOCAL) {
        query->has_host = true;
        if (asked->readable_all || asked->writable_all) {
            query->options.mode = 0755U | (asked->readable_all ? 0444U : 0U) |
                (asked->writable_all ? 0222U : 0U);
        }
        return read_path(asked->address.value, &query->address);
    }
    return read_host(asked, query);
}

/* --- our question --------------------------------------------------------- */

static struct coh_node_number
given(int value)
{
    return (struct coh_node_number){.presence = COH_NODE_GIVEN, .value = value};
}

static void
write_address(
    const struct coh_query *query, struct coh_node_query *asked,
    char text[COH_ADDR_TEXT_MAX])
{
    const struct coh_addr *address = &query->address;
    bool is_v6 = address->u.any.sa_family == AF_INET6;

    asked->port = given(coh_addr_port(address));
    if (address->u.any.sa_family == AF_UNIX) {
        asked->port = given(-1);
        asked->type = COH_NODE_TYPE_LOCAL;
        asked->readable_all = (query->options.mode & 0444) == 0444;
        asked->writable_all = (query->options.mode & 0222) == 0222;
        snprintf(text, COH_ADDR_TEXT_MAX, "%s", address->u.local.sun_path);
    } else if (query->is_udp) {
        asked->type = is_v6 ? COH_NODE_TYPE_UDP6 : COH_NODE_TYPE_UDP4;
        asked->fd = given(-1);
        coh_addr_format_host(address, text);
    } else if (query->has_host) {
        asked->type = is_v6 ? COH_NODE_TYPE_6 : COH_NODE_TYPE_4;
        asked->flags = given(query->options.ipv6only ? IPV6_ONLY : 0);
        coh_addr_format_host(address, text);
    } else {
        asked->type = COH_NODE_TYPE_4;
        asked->address.presence = COH_NODE_NULL;
        return;
    }
    asked->address = (struct coh_node_text){
        .presence = COH_NODE_GIVEN, .value = cohort_str(text)};
}

void
coh_node_address_write(
    const struct coh_query *query, struct coh_node_query *asked,
    char text[COH_ADDR_TEXT_MAX])
{
    memset(asked, 0, sizeof(*asked));
    asked->index = given((int)query->ordinal);
    asked->backlog = given(query->options.backlog);
    if (query->fd < 0) {
        write_address(query, asked, text);
        return;
    }
    asked->fd = given(query->fd);
    asked->type = COH_NODE_TYPE_NULL;
    asked->address.presence = COH_NODE_NULL;
    asked->port.presence = COH_NODE_NULL;
}

/* --- where it is bound ---------------------------------------------------- */

bool
coh_node_sockname_fill(
    const struct coh_addr *bound, struct coh_node_sockname *sockname,
    char text[COH_ADDR_TEXT_MAX])
{
    if (bound->u.any.sa_family == AF_UNIX) {
        return false;
    }
    *sockname = (struct coh_node_sockname){
        .address = cohort_str(coh_addr_format_host(bound, text)),
        .port = coh_addr_port(bound),
        .is_v6 = bound->u.any.sa_family == AF_INET6,
    };
    return true;
}

int
coh_node_sockname_read(
    const struct coh_node_sockname *sockname, struct coh_addr *bound)
{
    memset(bound, 0, sizeof(*bound));
    return read_ip(
        sockname->is_v6 ? AF_INET6 : AF_INET, sockname->address, sockname->port,
        bound);
}

/* --- handles -------------------------------------------------------------- */

static bool
has_option(int fd, int option, int value)
{
    int found = 0;
    socklen_t size = sizeof(found);

    return getsockopt(fd, SOL_SOCKET, option, &found, &size) == 0 &&
        found == value;
}

enum coh_node_handle
coh_node_handle_of(int fd)
{
    if (has_option(fd, SO_TYPE, SOCK_DGRAM)) {
        return COH_NODE_DGRAM_SOCKET;
    }
    return has_option(fd, SO_ACCEPTCONN, 1) ? COH_NODE_NET_SERVER
                                            : COH_NODE_NET_SOCKET;
}
