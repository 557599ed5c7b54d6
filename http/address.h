/* The addresses that servers listen on, and the servers on each by name. */
#ifndef COH_HTTP_ADDRESS_H
#define COH_HTTP_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include <cohort/cohort.h>

#include "core/addr.h"

struct coh_http_block;
struct coh_name_table;
struct coh_virtual_server;

struct coh_address {
    struct coh_addr addr;
    struct cohort_listen_options options;
    const struct coh_virtual_server *default_server;
    const struct coh_virtual_server **servers; /* in file order */
    size_t server_count;
    /* By name; all three NULL while one server answers for every name. */
    struct coh_name_table *exact;    /* "x" */
    struct coh_name_table *leading;  /* "*.x", under "x" */
    struct coh_name_table *trailing; /* "x.*", under "x" */
    /* Of a wildcard: others of its port and family. */
    const struct coh_address **covered;
    size_t covered_count;
    bool has_options;         /* some listen has set socket options */
    bool has_default;         /* some listen has said default_server */
    struct coh_address *next; /* in file order */
};

/* The address in the configuration, added if it is new. */
struct coh_address *coh_address_get(
    struct cohort_conf *conf, struct coh_http_block *block,
    const struct coh_addr *addr);

/* Let a server listen on an address. -EEXIST: it does so already. */
int coh_address_add_server(
    struct cohort_conf *conf, struct coh_address *address,
    struct coh_virtual_server *server);

/* All servers and names are known: make the tables. Names that two servers of
   an address have are warned of. */
void coh_address_finish(struct cohort_conf *conf, struct coh_http_block *block);

/*
 * The configured address that a connection came to: for a wildcard that covers
 * others a question to the kernel, else listening itself.
 */
const struct coh_address *coh_address_of_connection(
    const struct coh_address *listening, int fd);

#endif
