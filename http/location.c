/* location {}: what holds for a part of a server's paths. */
#include "http/location.h"

#include <errno.h>

#include <cohort/module/phase.h>

#include "core/str.h"
#include "http/location_index.h"
#include "http/virtual_server.h"

static struct coh_location *
new_location(
    struct cohort_conf *conf, const struct coh_virtual_server *server,
    const struct coh_location *outer)
{
    struct coh_location *location = cohort_conf_alloc(conf, sizeof(*location));

    location->server = server;
    location->outer = outer;
    location->path = COH_STR("");
    return location;
}

struct coh_location *
coh_location_new_root(
    struct cohort_conf *conf, struct coh_virtual_server *server)
{
    return new_location(conf, server, NULL);
}

/* The block around the one being read. */
static struct coh_location *
outer_location(struct cohort_conf *conf)
{
    struct coh_location *outer = cohort_conf_object(conf, COHORT_IN_LOCATION);
    struct coh_virtual_server *server =
        cohort_conf_object(conf, COHORT_IN_SERVER);

    return outer ? outer : server->root;
}

/* "= /a", "^~ /a", "/a", also with the modifier and the path in one word. */
static int
read_match(struct cohort_conf *conf, struct coh_location *location)
{
    bool is_apart = cohort_conf_arg_count(conf) == 2;
    struct cohort_str first = cohort_conf_arg(conf, 0);
    size_t skip = 0;

    location->match = COH_MATCH_PREFIX;
    if (coh_str_starts_with(first, COH_STR("~"))) {
        return cohort_conf_error_at(
            conf, 0,
            "location \"%s\" needs regular expressions, which are not built "
            "into this version\nuse prefixes (/a/, ^~ /a/) or exact paths "
            "(= /a)",
            cohort_conf_arg(conf, is_apart).data);
    }
    if (coh_str_starts_with(first, COH_STR("="))) {
        location->match = COH_MATCH_EXACT;
        skip = 1;
    } else if (coh_str_starts_with(first, COH_STR("^~"))) {
        skip = 2;
    } else if (!is_apart && coh_str_starts_with(first, COH_STR("@"))) {
        location->match = COH_MATCH_NAMED;
    }
    if (is_apart && (skip == 0 || first.size > skip)) {
        return cohort_conf_error_at(
            conf, 0,
            "invalid location modifier \"%s\"\nit takes = or ^~ before the "
            "path",
            first.data);
    }
    location->path =
        is_apart ? cohort_conf_arg(conf, 1) : coh_str_from(first, skip);
    return 0;
}

static int
check_outer(struct cohort_conf *conf, const struct coh_location *location)
{
    const struct coh_location *outer = location->outer;
    const char *path = location->path.data;

    if (outer->match == COH_MATCH_EXACT || outer->match == COH_MATCH_NAMED) {
        return cohort_conf_error(
            conf, "location \"%s\" cannot be inside the %s location \"%s\"",
            path, outer->match == COH_MATCH_EXACT ? "exact" : "named",
            outer->path.data);
    }
    if (location->match == COH_MATCH_NAMED && outer->match != COH_MATCH_ROOT) {
        return cohort_conf_error(
            conf, "named location \"%s\" can be on the server level only",
            path);
    }
    if (location->match != COH_MATCH_NAMED &&
        !coh_str_starts_with(location->path, outer->path)) {
        return cohort_conf_error(
            conf, "location \"%s\" is outside location \"%s\"", path,
            outer->path.data);
    }
    return 0;
}

static int
check_unique(struct cohort_conf *conf, const struct coh_location *location)
{
    const struct coh_location *outer = location->outer;
    size_t i;

    for (i = 0; i < outer->inside_count; i++) {
        const struct coh_location *other = outer->inside[i];

        if (other->match == location->match &&
            coh_str_equal(other->path, location->path)) {
            return cohort_conf_error(
                conf, "duplicate location \"%s\"", location->path.data);
        }
    }
    return 0;
}

static int
open_location(struct cohort_conf *conf, void *settings)
{
    struct coh_location *outer = outer_location(conf);
    struct coh_location *location = new_location(conf, outer->server, outer);
    struct coh_location **item;

    (void)settings;
    if (read_match(conf, location) < 0 || check_outer(conf, location) < 0 ||
        check_unique(conf, location) < 0) {
        return -EINVAL;
    }
    item = cohort_conf_append(
        conf, (void **)&outer->inside, &outer->inside_count, sizeof(*item));
    *item = location;
    cohort_conf_set_object(conf, location);
    return 0;
}

struct cohort_str
cohort_conf_location_path(const struct cohort_conf *conf)
{
    const struct coh_location *location =
        cohort_conf_object(conf, COHORT_IN_LOCATION);

    return location ? location->path : COH_STR("");
}

void
coh_location_close(struct cohort_conf *conf, struct coh_location *location)
{
    location->settings = cohort_conf_settings(conf);
    if (location->inside_count > 0) {
        location->index = coh_location_index_new(
            conf, location->inside, location->inside_count);
    }
}

static int
close_location(struct cohort_conf *conf, const void *settings)
{
    (void)settings;
    coh_location_close(conf, cohort_conf_object(conf, COHORT_IN_LOCATION));
    return 0;
}

static const struct cohort_directive directives[] = {
    {
        .name = "location",
        .usage = "[= | ^~] path { ... } | @name { ... }",
        .help = "What holds for paths that start with path (the longest "
                "wins), for exactly this path, or for internal redirects to "
                "@name.",
        .where = COHORT_IN_SERVER | COHORT_IN_LOCATION,
        .args = {1, 2},
        .kind = COHORT_KIND_ADD,
        .read_at = COHORT_READ_LOAD,
        .block = COHORT_IN_LOCATION,
        .set = open_location,
        .close = close_location,
    },
    {.name = NULL},
};

struct cohort_module coh_location_module = {
    .api = COHORT_MODULE_API,
    .name = "location",
    .directives = directives,
    .settings_in = COHORT_IN_HTTP,
};
