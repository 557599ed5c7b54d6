/* listen: an address, or a range of ports of it. */
#include "http/listen.h"

#include <errno.h>
#include <stdio.h>

#include "core/str.h"
#include "http/address.h"
#include "http/listen_parameter.h"
#include "http/registry.h"
#include "http/virtual_server.h"

/* Split "HOST:8000-8010" or "8000-8010" into what is before the ports and the
   ports. False: no range. */
static bool
split_range(
    struct cohort_str text, struct cohort_str *host, uint64_t *first,
    uint64_t *last)
{
    ssize_t colon = coh_str_rindex(text, ':');
    struct cohort_str ports = coh_str_from(text, (size_t)(colon + 1));
    ssize_t dash = coh_str_index(ports, '-');

    *host = coh_str_cut(text, 0, (size_t)(colon + 1));
    return dash > 0 && !coh_str_starts_with(text, COH_STR("unix:")) &&
        coh_str_to_u64(coh_str_cut(ports, 0, (size_t)dash), 65535, first) ==
        0 &&
        coh_str_to_u64(coh_str_from(ports, (size_t)dash + 1), 65535, last) == 0;
}

static int
set_options(
    struct cohort_conf *conf, struct coh_address *address,
    const struct coh_listen *listen)
{
    char text[COH_ADDR_TEXT_MAX];
    bool ipv6only = address->options.ipv6only;

    if (!listen->has_options) {
        return 0;
    }
    if (address->has_options) {
        return cohort_conf_error(
            conf,
            "duplicate listen options for %s\ngive them in one listen of the "
            "address; they hold for all its servers",
            coh_addr_format(&address->addr, text));
    }
    address->has_options = true;
    address->options = listen->options;
    address->options.is_bound = true;
    if (!listen->has_ipv6only) {
        address->options.ipv6only = ipv6only;
    }
    return 0;
}

static int
add_address(
    struct cohort_conf *conf, const struct coh_addr *addr,
    const struct coh_listen *listen)
{
    struct coh_http_block *block = cohort_conf_object(conf, COHORT_IN_HTTP);
    struct coh_virtual_server *server =
        cohort_conf_object(conf, COHORT_IN_SERVER);
    struct coh_address *address = coh_address_get(conf, block, addr);
    char text[COH_ADDR_TEXT_MAX];

    if (coh_address_add_server(conf, address, server) < 0) {
        return cohort_conf_error(
            conf, "a duplicate listen %s", coh_addr_format(addr, text));
    }
    if (listen->is_default) {
        if (address->has_default) {
            return cohort_conf_error(
                conf, "a duplicate default server for %s",
                coh_addr_format(addr, text));
        }
        address->has_default = true;
        address->default_server = server;
    }
    return set_options(conf, address, listen);
}

static int
add_parsed(
    struct cohort_conf *conf, struct cohort_str text,
    const struct coh_listen *listen)
{
    struct coh_addr addr;
    const char *why = "";

    if (coh_addr_parse(text, 80, &addr, &why) < 0) {
        return cohort_conf_error_at(
            conf, 0,
            "%s in \"%s\" of the \"listen\" directive\nwrite a port, "
            "address:port or unix:/path",
            why, cohort_conf_arg(conf, 0).data);
    }
    return add_address(conf, &addr, listen);
}

static int
add_range(
    struct cohort_conf *conf, struct cohort_str host, uint64_t first,
    uint64_t last, const struct coh_listen *listen)
{
    char text[COH_ADDR_TEXT_MAX];
    uint64_t port;

    if (first == 0 || first > last || host.size > sizeof(text) - 8) {
        return cohort_conf_error_at(
            conf, 0, "invalid port range in \"%s\" of the \"listen\" directive",
            cohort_conf_arg(conf, 0).data);
    }
    for (port = first; port <= last; port++) {
        int size = snprintf(
            text, sizeof(text), "%.*s%u", (int)host.size, host.data,
            (unsigned)port);
        int result = add_parsed(conf, cohort_str_n(text, (size_t)size), listen);

        if (result < 0) {
            return result;
        }
    }
    return 0;
}

static int
set_listen(struct cohort_conf *conf, void *settings)
{
    struct cohort_str text = cohort_conf_arg(conf, 0);
    struct coh_listen listen = {.has_options = false};
    struct cohort_str host;
    uint64_t first;
    uint64_t last;
    int result = 0;
    int added;
    size_t i;

    (void)settings;
    for (i = 1; i < cohort_conf_arg_count(conf); i++) {
        if (coh_listen_read_parameter(conf, i, &listen) < 0) {
            result = -EINVAL; /* tell of the others, and of the address */
        }
    }
    if (split_range(text, &host, &first, &last)) {
        added = add_range(conf, host, first, last, &listen);
    } else {
        added = add_parsed(conf, text, &listen);
    }
    return result < 0 ? result : added;
}

static const struct cohort_directive directives[] = {
    {
        .name = "listen",
        .usage =
            "address[:port[-port]] | port[-port] | unix:path "
            "[default_server] [policy=round_robin|least_conn|shared|reuseport] "
            "[reuseport] [bind] [backlog=number] [rcvbuf=size] "
            "[sndbuf=size] [deferred] [fastopen=number] "
            "[ipv6only=on|off] "
            "[so_keepalive=on|off|[idle]:[interval]:[count]]",
        .help = "An address that the server answers on; socket options hold "
                "for all servers of the address.",
        .default_value = "*:80 for root, *:8000 for others",
        .where = COHORT_IN_SERVER,
        .args = {1, COHORT_ARGS_ANY},
        .kind = COHORT_KIND_ADD,
        .read_at = COHORT_READ_LOAD,
        .set = set_listen,
    },
    {.name = NULL},
};

struct cohort_module coh_listen_module = {
    .api = COHORT_MODULE_API,
    .name = "listen",
    .directives = directives,
    .settings_in = COHORT_IN_HTTP,
};
