/* Socket addresses: read from the texts that people write. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <string.h>

#include "core/addr.h"
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

/* Of a failure of getaddrinfo. One that may pass is not taken for a name that
   is wrong. */
static const char *
explain(int failure)
{
    switch (failure) {
    case EAI_NONAME:
#ifdef EAI_NODATA
    case EAI_NODATA:
#endif
        return "host not found";
    case EAI_AGAIN:
        return "temporary failure in name resolution";
    case EAI_MEMORY:
        return "out of memory";
    case EAI_SYSTEM:
        return strerror(errno);
    default:
        return gai_strerror(failure);
    }
}

static int
resolve(
    struct cohort_str host, int family, int flags, uint16_t port,
    struct coh_addr *addr, const char **why)
{
    struct addrinfo hints = {
        .ai_family = family,
        .ai_flags = flags,
        .ai_socktype = SOCK_STREAM,
    };
    const struct addrinfo *chosen;
    char name[HOST_SIZE_MAX + 1];
    struct addrinfo *found;
    int failure;

    if (host.size > HOST_SIZE_MAX || coh_str_index(host, '\0') >= 0) {
        return refuse(why, -ENOENT, "host not found");
    }
    memcpy(name, host.data, host.size);
    name[host.size] = '\0';
    failure = getaddrinfo(name, NULL, &hints, &found);
    if (failure != 0) {
        return refuse(why, -ENOENT, explain(failure));
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
        addr, why);
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
    return resolve(host, AF_UNSPEC, 0, port, addr, why);
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
