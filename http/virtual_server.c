/* server {} and server_name: virtual servers as the configuration has them. */
#include "http/virtual_server.h"

#include <errno.h>
#include <unistd.h>

#include "core/addr.h"
#include "core/str.h"
#include "http/address.h"
#include "http/location.h"
#include "http/registry.h"

#define NAME_MAX_SIZE 253

/* --- server --------------------------------------------------------------- */

static int
open_server(struct cohort_conf *conf, void *settings)
{
    struct coh_http_block *block = cohort_conf_object(conf, COHORT_IN_HTTP);
    struct coh_virtual_server **place = &block->servers;
    struct coh_virtual_server *server =
        cohort_conf_alloc(conf, sizeof(*server));

    (void)settings;
    server->block = block;
    server->name = COH_STR("");
    server->root = coh_location_new_root(conf, server);
    while (*place) {
        place = &(*place)->next;
    }
    *place = server;
    cohort_conf_set_object(conf, server);
    return 0;
}

/* Without any listen: port 80 for root, 8000 for others. */
static void
listen_default(struct cohort_conf *conf, struct coh_virtual_server *server)
{
    struct coh_http_block *block = cohort_conf_object(conf, COHORT_IN_HTTP);
    struct coh_addr addr;
    const char *why;

    if (coh_addr_parse(COH_STR("*"), geteuid() == 0 ? 80 : 8000, &addr, &why) ==
        0) {
        (void)coh_address_add_server(
            conf, coh_address_get(conf, block, &addr), server);
    }
}

static int
close_server(struct cohort_conf *conf, const void *settings)
{
    struct coh_virtual_server *server =
        cohort_conf_object(conf, COHORT_IN_SERVER);

    (void)settings;
    if (server->listen_count == 0) {
        listen_default(conf, server);
    }
    server->settings = cohort_conf_settings(conf);
    coh_location_close(conf, server->root);
    return 0;
}

/* --- server_name ---------------------------------------------------------- */

static bool
is_wildcard_misplaced(struct cohort_str name)
{
    ssize_t star = coh_str_index(name, '*');
    struct cohort_str rest = name;

    if (coh_str_is(name, ".") || coh_str_is(name, "*")) {
        return true;
    }
    if (star < 0) {
        return false;
    }
    if (coh_str_starts_with(name, COH_STR("*."))) {
        rest = coh_str_from(name, 2);
    } else if (coh_str_ends_with(name, COH_STR(".*"))) {
        rest = coh_str_cut(name, 0, name.size - 2);
    }
    return rest.size == 0 || coh_str_index(rest, '*') >= 0 ||
        rest.data[0] == '.';
}

/* Lower case, "$hostname" resolved. 0, or -errno after it was told. */
static int
read_name(struct cohort_conf *conf, size_t arg, struct cohort_str *name)
{
    struct cohort_str written = cohort_conf_arg(conf, arg);
    char *copy = cohort_conf_alloc(conf, NAME_MAX_SIZE + 1);
    size_t i;

    if (coh_str_starts_with(written, COH_STR("~"))) {
        return cohort_conf_error_at(
            conf, arg,
            "regex not supported in server name \"%s\"\nthis version has no "
            "regular expressions; use exact names, *.x or x.*",
            written.data);
    }
    if (coh_str_is(written, "$hostname")) {
        (void)gethostname(copy, NAME_MAX_SIZE);
        written = cohort_str(copy);
    }
    if (written.size > NAME_MAX_SIZE || is_wildcard_misplaced(written)) {
        return cohort_conf_error_at(
            conf, arg,
            "server name \"%s\" is invalid\na wildcard stands at the start "
            "(*.x) or at the end (x.*), beside a dot",
            written.data);
    }
    for (i = 0; i < written.size; i++) {
        copy[i] = coh_lower(written.data[i]);
    }
    *name = cohort_str_n(copy, written.size);
    return 0;
}

static void
add_name(
    struct cohort_conf *conf, struct coh_virtual_server *server,
    struct cohort_str name)
{
    struct cohort_str *item = cohort_conf_append(
        conf, (void **)&server->names, &server->name_count, sizeof(*item));

    *item = name;
    if (server->name_count == 1) {
        server->name =
            coh_str_from(name, coh_str_starts_with(name, COH_STR(".")));
    }
}

static int
set_server_name(struct cohort_conf *conf, void *settings)
{
    struct coh_virtual_server *server =
        cohort_conf_object(conf, COHORT_IN_SERVER);
    int result = 0;
    size_t i;

    (void)settings;
    for (i = 0; i < cohort_conf_arg_count(conf); i++) {
        struct cohort_str name = {"", 0};

        if (read_name(conf, i, &name) < 0) {
            result = -EINVAL; /* tell of the others, too */
        } else {
            add_name(conf, server, name);
        }
    }
    return result;
}

static const struct cohort_directive directives[] = {
    {
        .name = "server",
        .usage = "{ ... }",
        .help = "A virtual server: what answers for some names on some "
                "addresses.",
        .where = COHORT_IN_HTTP,
        .args = {0, 0},
        .kind = COHORT_KIND_ADD,
        .read_at = COHORT_READ_LOAD,
        .block = COHORT_IN_SERVER,
        .set = open_server,
        .close = close_server,
    },
    {
        .name = "server_name",
        .usage = "name ...",
        .help = "Host names that the server answers for: exact ones, *.x, x.*, "
                ".x for both x and *.x, and \"\" for requests without one.",
        .default_value = "\"\"",
        .where = COHORT_IN_SERVER,
        .args = {1, COHORT_ARGS_ANY},
        .kind = COHORT_KIND_ADD,
        .read_at = COHORT_READ_LOAD,
        .set = set_server_name,
    },
    {.name = NULL},
};

struct cohort_module coh_virtual_server_module = {
    .api = COHORT_MODULE_API,
    .name = "virtual_server",
    .directives = directives,
    .settings_in = COHORT_IN_HTTP,
};
