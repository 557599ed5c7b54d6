/* Queries: read from texts, compared, described. */
#include "server/cluster/query.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/str.h"
#include "server/accept/listen_options.h"

/* coh_addr_parse takes no port 0, which nobody wants in a configuration. */
#define ANY_PORT 1

static bool
is_port_alone(struct cohort_str text, uint16_t *port)
{
    uint64_t value;

    if (coh_str_to_u64(text, UINT16_MAX, &value) < 0) {
        return false;
    }
    *port = (uint16_t)value;
    return true;
}

/* "HOST:0" becomes "HOST"; true if so. */
static bool
cut_port_zero(struct cohort_str *text)
{
    if (!coh_str_ends_with(*text, COH_STR(":0"))) {
        return false;
    }
    text->size -= 2;
    return true;
}

/* As Node does: IPv6 and IPv4 on one socket, where there is IPv6. */
static void
set_any_host(struct coh_query *query, uint16_t port)
{
    query->address.u.v6 = (struct sockaddr_in6){
        .sin6_family = AF_INET6,
        .sin6_addr = in6addr_any,
        .sin6_port = htons(port),
    };
    query->address.size = sizeof(query->address.u.v6);
}

/* The primary's folder may be another one. */
static int
parse_path(struct cohort_str path, struct coh_query *query, const char **why)
{
    char text[sizeof("unix:") + sizeof(query->address.u.local.sun_path)];
    char *folder = path.data[0] == '/' ? NULL : realpath(".", NULL);
    int size = snprintf(
        text, sizeof(text), "unix:%s%s%.*s", folder != NULL ? folder : "",
        folder != NULL ? "/" : "", (int)path.size, path.data);

    free(folder);
    if (size < 0 || (size_t)size >= sizeof(text)) {
        *why = "unix socket path longer than 107 bytes";
        return -ENAMETOOLONG;
    }
    return coh_addr_parse(cohort_str(text), 0, &query->address, why);
}

static int
parse_address(struct cohort_str text, struct coh_query *query, const char **why)
{
    bool is_zero;
    uint16_t port;
    int result;

    if (is_port_alone(text, &port)) {
        set_any_host(query, port);
        return 0;
    }
    query->has_host = true;
    if (coh_str_starts_with(text, COH_STR("unix:")) && text.size > 5) {
        return parse_path(coh_str_from(text, 5), query, why);
    }
    is_zero = cut_port_zero(&text);
    result = coh_addr_parse(text, ANY_PORT, &query->address, why);
    if (result == 0 && is_zero) {
        coh_addr_set_port(&query->address, 0);
    }
    return result;
}

int
coh_query_parse(
    const char *text, const struct cohort_listen_settings *settings,
    struct coh_query *query, const char **why)
{
    int result;

    memset(query, 0, sizeof(*query));
    query->fd = -1;
    query->is_udp = settings->is_udp;
    query->options = settings->socket;
    result = parse_address(cohort_str(text), query, why);
    if (result == 0 && query->is_udp &&
        query->address.u.any.sa_family == AF_UNIX) {
        *why = "a unix path, which cannot be had for UDP,";
        return -EINVAL;
    }
    return result;
}

bool
coh_query_is_valid(const struct coh_query *query)
{
    return coh_bool_is_valid(&query->has_host) &&
        coh_bool_is_valid(&query->is_udp) &&
        coh_listen_options_are_valid(&query->options) && query->fd >= -1 &&
        (query->fd >= 0 || coh_addr_is_valid(&query->address));
}

bool
coh_query_is_same(const struct coh_query *one, const struct coh_query *other)
{
    if (one->fd != other->fd || one->is_udp != other->is_udp) {
        return false;
    }
    if (one->fd >= 0) {
        return true;
    }
    return coh_addr_equal(&one->address, &other->address) &&
        one->has_host == other->has_host &&
        (one->address.u.any.sa_family == AF_UNIX ||
         coh_addr_port(&one->address) != 0 || one->ordinal == other->ordinal);
}

void
coh_query_describe(
    const struct coh_query *query, const struct coh_addr *bound,
    struct cohort_address *address, char host[COH_ADDR_TEXT_MAX])
{
    *address = (struct cohort_address){
        .family = bound->u.any.sa_family,
        .is_udp = query->is_udp,
        .port = -1,
        .fd = query->fd,
    };
    if (address->family == AF_UNIX) {
        snprintf(host, COH_ADDR_TEXT_MAX, "%s", bound->u.local.sun_path);
        address->host = query->fd < 0 ? host : NULL;
        return;
    }
    address->port = coh_addr_port(bound);
    if (query->has_host && query->fd < 0) {
        address->host = coh_addr_format_host(bound, host);
    }
}
