/* The addresses that servers listen on: collected while the configuration is
   read, then given tables of the names of their servers. */
#include "http/address.h"

#include <errno.h>

#include "core/str.h"
#include "http/name_table.h"
#include "http/registry.h"
#include "http/virtual_server.h"

struct coh_address *
coh_address_get(
    struct cohort_conf *conf, struct coh_http_block *block,
    const struct coh_addr *addr)
{
    struct coh_address **place = &block->addresses;

    while (*place && !coh_addr_equal(&(*place)->addr, addr)) {
        place = &(*place)->next;
    }
    if (!*place) {
        *place = cohort_conf_alloc(conf, sizeof(**place));
        (*place)->addr = *addr;
        (*place)->options.ipv6only = addr->u.any.sa_family == AF_INET6;
    }
    return *place;
}

int
coh_address_add_server(
    struct cohort_conf *conf, struct coh_address *address,
    struct coh_virtual_server *server)
{
    const struct coh_virtual_server **item;
    size_t i;

    for (i = 0; i < address->server_count; i++) {
        if (address->servers[i] == server) {
            return -EEXIST;
        }
    }
    item = cohort_conf_append(
        conf, (void **)&address->servers, &address->server_count,
        sizeof(server));
    *item = server;
    if (!address->default_server) {
        address->default_server = server;
    }
    server->listen_count++;
    return 0;
}

/* --- names ---------------------------------------------------------------- */

static void
add_name(
    struct cohort_conf *conf, const struct coh_address *address,
    struct coh_name_table *table, struct cohort_str key,
    const struct coh_virtual_server *server, struct cohort_str name)
{
    char text[COH_ADDR_TEXT_MAX];

    if (coh_name_table_add(table, key, server) < 0 &&
        coh_name_table_find(table, key) != server) {
        cohort_conf_warn(
            conf,
            "conflicting server name \"%s\" on %s, ignored\nthe first server "
            "with that name answers",
            name.data, coh_addr_format(&address->addr, text));
    }
}

static void
add_names(
    struct cohort_conf *conf, struct coh_address *address,
    const struct coh_virtual_server *server)
{
    size_t i;

    for (i = 0; i < server->name_count; i++) {
        struct cohort_str name = server->names[i];

        if (coh_str_starts_with(name, COH_STR("*."))) {
            add_name(
                conf, address, address->leading, coh_str_from(name, 2), server,
                name);
        } else if (coh_str_starts_with(name, COH_STR("."))) {
            add_name(
                conf, address, address->exact, coh_str_from(name, 1), server,
                name);
            add_name(
                conf, address, address->leading, coh_str_from(name, 1), server,
                name);
        } else if (coh_str_ends_with(name, COH_STR(".*"))) {
            add_name(
                conf, address, address->trailing,
                coh_str_cut(name, 0, name.size - 2), server, name);
        } else {
            add_name(conf, address, address->exact, name, server, name);
        }
    }
}

/* Requests without a host belong to the first server without a name, if none
   has said "". */
static void
add_nameless(struct coh_address *address)
{
    size_t i;

    for (i = 0; i < address->server_count; i++) {
        if (address->servers[i]->name_count == 0) {
            (void)coh_name_table_add(
                address->exact, COH_STR(""), address->servers[i]);
        }
    }
}

static struct coh_name_table *
new_table(struct cohort_conf *conf, size_t count)
{
    return coh_name_table_init(
        cohort_conf_alloc(conf, coh_name_table_size(count)), count);
}

static void
make_tables(struct cohort_conf *conf, struct coh_address *address)
{
    size_t count = 0;
    size_t i;

    if (address->server_count < 2) {
        return;
    }
    for (i = 0; i < address->server_count; i++) {
        count += address->servers[i]->name_count + 1;
    }
    address->exact = new_table(conf, count);
    address->leading = new_table(conf, count);
    address->trailing = new_table(conf, count);
    for (i = 0; i < address->server_count; i++) {
        add_names(conf, address, address->servers[i]);
    }
    add_nameless(address);
}

/* --- wildcards ------------------------------------------------------------ */

static void
find_covered(
    struct cohort_conf *conf, const struct coh_http_block *block,
    struct coh_address *wildcard)
{
    const struct coh_address *other;

    if (!coh_addr_is_wildcard(&wildcard->addr)) {
        return;
    }
    for (other = block->addresses; other; other = other->next) {
        if (other != wildcard &&
            other->addr.u.any.sa_family == wildcard->addr.u.any.sa_family &&
            coh_addr_port(&other->addr) == coh_addr_port(&wildcard->addr)) {
            const struct coh_address **item = cohort_conf_append(
                conf, (void **)&wildcard->covered, &wildcard->covered_count,
                sizeof(other));

            *item = other;
        }
    }
}

void
coh_address_finish(struct cohort_conf *conf, struct coh_http_block *block)
{
    struct coh_address *address;

    for (address = block->addresses; address; address = address->next) {
        make_tables(conf, address);
        find_covered(conf, block, address);
    }
}

const struct coh_address *
coh_address_of_connection(const struct coh_address *listening, int fd)
{
    struct coh_addr local;
    size_t i;

    if (listening->covered_count == 0 || coh_addr_of_socket(fd, &local) < 0) {
        return listening;
    }
    for (i = 0; i < listening->covered_count; i++) {
        if (coh_addr_equal(&listening->covered[i]->addr, &local)) {
            return listening->covered[i];
        }
    }
    return listening;
}
