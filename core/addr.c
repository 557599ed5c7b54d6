/* Socket addresses: compared, printed, asked for. */
#include "core/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/str.h"

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
coh_addr_is_valid(const struct coh_addr *addr)
{
    const struct sockaddr_un *local = &addr->u.local;
    const size_t path_at = offsetof(struct sockaddr_un, sun_path);

    switch (addr->u.any.sa_family) {
    case AF_INET:
        return addr->size == sizeof(addr->u.v4);
    case AF_INET6:
        return addr->size == sizeof(addr->u.v6);
    case AF_UNIX:
        return addr->size <= sizeof(*local) && addr->size > path_at + 1 &&
            memchr(local->sun_path, '\0', addr->size - path_at) ==
            (const char *)local + addr->size - 1;
    default:
        return false;
    }
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
