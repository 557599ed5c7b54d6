/* Socket addresses: parsed, compared, printed. */
#include "core/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "core/str.h"

#define HOST_SIZE_MAX 255 /* of a name in DNS, with room for a zone */

static int
refuse(const char **why, int result, const char *text)
{
    *why = text;
    return result;
}

static int
parse_local(struct cohort_str path, struct coh_addr *addr, const char **why)
{
    struct sockaddr_un *local = &addr->u.local;

    if (path.size == 0) {
        return refuse(why, -EINVAL, "no path after \"unix:\"");
    }
    if (path.size >= sizeof(local->sun_path)) {
        return refuse(
            why, -ENAMETOOLONG, "unix socket path longer than 107 bytes");
    }
    if (coh_str_index(path, '\0') >= 0) {
        return refuse(why, -EINVAL, "NUL byte");
    }
    local->sun_family = AF_UNIX;
    memcpy(local->sun_path, path.data, path.size);
    local->sun_path[path.size] = '\0';
    addr->size =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.size + 1);
    return 0;
}

static int
parse_port(struct cohort_str text, uint16_t *port, const char **why)
{
    uint64_t value;

    if (coh_str_to_u64(text, UINT16_MAX, &value) < 0 || value == 0) {
        return refuse(why, -EINVAL, "invalid port (1 to 65535 expected)");
    }
    *port = (uint16_t)value;
    return 0;
}

static void
set_v4(struct coh_addr *addr, struct in_addr host, uint16_t port)
{
    addr->u.v4.sin_family = AF_INET;
    addr->u.v4.sin_addr = host;
    addr->u.v4.sin_port = htons(port);
    addr->size = sizeof(addr->u.v4);
}

/* IPv4 first, where a name has both: it is what most of these machines serve,
   and the order does not depend on the resolver's mood. */
static const struct addrinfo *
preferred(const struct addrinfo *found)
{
    for (const struct addrinfo *each = found; each; each = each->ai_next) {
        if (each->ai_family == AF_INET) {
            return each;
        }
    }
    return found;
}

static int
resolve(
    struct cohort_str host, int family, int flags, uint16_t port,
    struct coh_addr *addr)
{
    struct addrinfo hints = {
        .ai_family = family,
        .ai_flags = flags,
        .ai_socktype = SOCK_STREAM,
    };
    const struct addrinfo *chosen;
    char name[HOST_SIZE_MAX + 1];
    struct addrinfo *found;

    if (host.size > HOST_SIZE_MAX || coh_str_index(host, '\0') >= 0) {
        return -ENOENT;
    }
    memcpy(name, host.data, host.size);
    name[host.size] = '\0';
    if (getaddrinfo(name, NULL, &hints, &found) != 0) {
        return -ENOENT;
    }
    chosen = preferred(found);
    memcpy(&addr->u, chosen->ai_addr, chosen->ai_addrlen);
    addr->size = chosen->ai_addrlen;
    freeaddrinfo(found);
    coh_addr_set_port(addr, port);
    return 0;
}

/* "[::1]" or "[::1]:80" */
static int
parse_bracketed(
    struct cohort_str text, uint16_t port, struct coh_addr *addr,
    const char **why)
{
    ssize_t end = coh_str_index(text, ']');
    struct cohort_str rest;
    int result;

    if (end < 0) {
        return refuse(why, -EINVAL, "missing \"]\"");
    }
    rest = coh_str_from(text, (size_t)end + 1);
    if (rest.size > 0) {
        if (rest.data[0] != ':') {
            return refuse(why, -EINVAL, "\":PORT\" expected after \"]\"");
        }
        result = parse_port(coh_str_from(rest, 1), &port, why);
        if (result < 0) {
            return result;
        }
    }
    result = resolve(
        coh_str_cut(text, 1, (size_t)end - 1), AF_INET6, AI_NUMERICHOST, port,
        addr);
    if (result < 0) {
        return refuse(why, -EINVAL, "invalid IPv6 address");
    }
    return 0;
}

static bool
is_digits(struct cohort_str text)
{
    uint64_t value;

    return coh_str_to_u64(text, UINT64_MAX, &value) != -EINVAL;
}

static int
parse_host(
    struct cohort_str host, uint16_t port, struct coh_addr *addr,
    const char **why)
{
    static const struct in_addr any = {INADDR_ANY};

    if (host.size == 0) {
        return refuse(why, -EINVAL, "no host");
    }
    if (coh_str_is(host, "*")) {
        set_v4(addr, any, port);
        return 0;
    }
    if (resolve(host, AF_UNSPEC, 0, port, addr) < 0) {
        return refuse(why, -ENOENT, "host not found");
    }
    return 0;
}

int
coh_addr_parse(
    struct cohort_str text, uint16_t default_port, struct coh_addr *addr,
    const char **why)
{
    uint16_t port = default_port;
    ssize_t colon;
    int result;

    memset(addr, 0, sizeof(*addr));
    if (coh_str_starts_with(text, COH_STR("unix:"))) {
        return parse_local(coh_str_from(text, 5), addr, why);
    }
    if (coh_str_starts_with(text, COH_STR("["))) {
        return parse_bracketed(text, port, addr, why);
    }
    if (is_digits(text)) {
        result = parse_port(text, &port, why);
        return result < 0 ? result : parse_host(COH_STR("*"), port, addr, why);
    }
    colon = coh_str_index(text, ':');
    if (colon != coh_str_rindex(text, ':')) {
        return refuse(why, -EINVAL, "IPv6 address without brackets");
    }
    if (colon >= 0) {
        result = parse_port(coh_str_from(text, (size_t)colon + 1), &port, why);
        if (result < 0) {
            return result;
        }
        text.size = (size_t)colon;
    }
    return parse_host(text, port, addr, why);
}

/* By hand: inet_ntop goes through snprintf, and access logs print one of these
   for every connection. */
static size_t
format_v4(const struct in_addr *host, char *out)
{
    const unsigned char *bytes = (const unsigned char *)&host->s_addr;
    size_t size = 0;

    for (int i = 0; i < 4; i++) {
        if (i > 0) {
            out[size++] = '.';
        }
        size += coh_u64_format(out + size, bytes[i]);
    }
    out[size] = '\0';
    return size;
}

const char *
coh_addr_format_host(const struct coh_addr *addr, char out[COH_ADDR_TEXT_MAX])
{
    switch (addr->u.any.sa_family) {
    case AF_INET:
        format_v4(&addr->u.v4.sin_addr, out);
        break;
    case AF_INET6:
        inet_ntop(AF_INET6, &addr->u.v6.sin6_addr, out, COH_ADDR_TEXT_MAX);
        break;
    case AF_UNIX:
        memcpy(out, "unix:", sizeof("unix:"));
        break;
    default:
        out[0] = '\0';
        break;
    }
    return out;
}

/* The path's size: an unnamed socket has none, and the kernel does not promise
   a NUL at the end. */
static size_t
local_path_size(const struct coh_addr *addr)
{
    size_t start = offsetof(struct sockaddr_un, sun_path);
    size_t room = addr->size > start ? addr->size - start : 0;

    return strnlen(addr->u.local.sun_path, room);
}

const char *
coh_addr_format(const struct coh_addr *addr, char out[COH_ADDR_TEXT_MAX])
{
    char host[COH_ADDR_TEXT_MAX];
    unsigned port = coh_addr_port(addr);

    if (addr->u.any.sa_family == AF_UNIX) {
        snprintf(
            out, COH_ADDR_TEXT_MAX, "unix:%.*s", (int)local_path_size(addr),
            addr->u.local.sun_path);
        return out;
    }
    coh_addr_format_host(addr, host);
    if (addr->u.any.sa_family == AF_INET6) {
        snprintf(out, COH_ADDR_TEXT_MAX, "[%.64s]:%u", host, port);
    } else {
        snprintf(out, COH_ADDR_TEXT_MAX, "%.64s:%u", host, port);
    }
    return out;
}

static bool
is_same_local(const struct coh_addr *a, const struct coh_addr *b)
{
    struct cohort_str path_a =
        cohort_str_n(a->u.local.sun_path, local_path_size(a));
    struct cohort_str path_b =
        cohort_str_n(b->u.local.sun_path, local_path_size(b));

    return coh_str_equal(path_a, path_b);
}

bool
coh_addr_equal(const struct coh_addr *a, const struct coh_addr *b)
{
    if (a->u.any.sa_family != b->u.any.sa_family ||
        coh_addr_port(a) != coh_addr_port(b)) {
        return false;
    }
    switch (a->u.any.sa_family) {
    case AF_INET:
        return a->u.v4.sin_addr.s_addr == b->u.v4.sin_addr.s_addr;
    case AF_INET6:
        return IN6_ARE_ADDR_EQUAL(&a->u.v6.sin6_addr, &b->u.v6.sin6_addr) &&
            a->u.v6.sin6_scope_id == b->u.v6.sin6_scope_id;
    case AF_UNIX:
        return is_same_local(a, b);
    default:
        return false;
    }
}

bool
coh_addr_is_wildcard(const struct coh_addr *addr)
{
    if (addr->u.any.sa_family == AF_INET) {
        return addr->u.v4.sin_addr.s_addr == htonl(INADDR_ANY);
    }
    return addr->u.any.sa_family == AF_INET6 &&
        IN6_IS_ADDR_UNSPECIFIED(&addr->u.v6.sin6_addr);
}

uint16_t
coh_addr_port(const struct coh_addr *addr)
{
    switch (addr->u.any.sa_family) {
    case AF_INET:
        return ntohs(addr->u.v4.sin_port);
    case AF_INET6:
        return ntohs(addr->u.v6.sin6_port);
    default:
        return 0;
    }
}

void
coh_addr_set_port(struct coh_addr *addr, uint16_t port)
{
    if (addr->u.any.sa_family == AF_INET) {
        addr->u.v4.sin_port = htons(port);
    } else if (addr->u.any.sa_family == AF_INET6) {
        addr->u.v6.sin6_port = htons(port);
    }
}

int
coh_addr_of_socket(int fd, struct coh_addr *addr)
{
    addr->size = sizeof(addr->u);
    return getsockname(fd, &addr->u.any, &addr->size) < 0 ? -errno : 0;
}

int
coh_addr_of_peer(int fd, struct coh_addr *addr)
{
    addr->size = sizeof(addr->u);
    return getpeername(fd, &addr->u.any, &addr->size) < 0 ? -errno : 0;
}
