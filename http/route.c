/* From a host to its server, from a path to its location. */
#include "http/route.h"

#include "core/str.h"
#include "http/address.h"
#include "http/location.h"
#include "http/location_index.h"
#include "http/name_table.h"
#include "http/virtual_server.h"

/* "*.x": what follows each dot from the left, so the longest first. */
static const struct coh_virtual_server *
find_leading(const struct coh_name_table *table, struct cohort_str host)
{
    const struct coh_virtual_server *server = NULL;
    struct cohort_str rest = host;
    ssize_t dot = coh_str_index(rest, '.');

    while (table->count > 0 && dot >= 0 && !server) {
        rest = coh_str_from(rest, (size_t)dot + 1);
        server = coh_name_table_find(table, rest);
        dot = coh_str_index(rest, '.');
    }
    return server;
}

/* "x.*": what is before each dot from the right. */
static const struct coh_virtual_server *
find_trailing(const struct coh_name_table *table, struct cohort_str host)
{
    const struct coh_virtual_server *server = NULL;
    struct cohort_str rest = host;
    ssize_t dot = coh_str_rindex(rest, '.');

    while (table->count > 0 && dot >= 0 && !server) {
        rest = coh_str_cut(rest, 0, (size_t)dot);
        server = coh_name_table_find(table, rest);
        dot = coh_str_rindex(rest, '.');
    }
    return server;
}

const struct coh_virtual_server *
coh_route_server(const struct coh_address *address, struct cohort_str host)
{
    const struct coh_virtual_server *server;

    if (!address->exact) {
        return address->default_server;
    }
    server = coh_name_table_find(address->exact, host);
    if (!server) {
        server = find_leading(address->leading, host);
    }
    if (!server) {
        server = find_trailing(address->trailing, host);
    }
    return server ? server : address->default_server;
}

const struct coh_location *
coh_route_location(
    const struct coh_virtual_server *server, struct cohort_str path)
{
    const struct coh_location *location = server->root;

    while (location->index) {
        const struct coh_location *exact =
            coh_location_find_exact(&location->index->exact, path);
        const struct coh_location *prefix;

        if (exact) {
            return exact;
        }
        prefix = coh_location_find_prefix(&location->index->prefixes, path);
        if (!prefix) {
            break;
        }
        location = prefix;
    }
    return location;
}

const struct coh_location *
coh_route_named(const struct coh_virtual_server *server, struct cohort_str name)
{
    const struct coh_location_index *index = server->root->index;

    return index ? coh_location_find_exact(&index->named, name) : NULL;
}
