/* Servers of a configuration, the addresses they listen on, and which server a
   host name belongs to. */
#ifndef COH_HTTP_VIRTUAL_SERVER_H
#define COH_HTTP_VIRTUAL_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include <cohort/cohort.h>
#include <cohort/str.h>

#include "core/addr.h"

struct coh_location;
struct coh_name_table;
struct coh_plan;

/* A server {} block. */
struct coh_virtual_server {
    /* The first name as written (".x" as "x"); "" if it has none. */
    struct cohort_str name;
    /* All of them, lower case, as written. */
    const struct cohort_str *names;
    size_t name_count;
    void *const *settings; /* by module->index */
    /* Everything outside any location; its children are the server's
       locations. */
    struct coh_location *root;
    struct coh_virtual_server *next; /* in file order */
};

/* An address that servers listen on. */
struct coh_address {
    struct coh_addr addr;
    struct cohort_listen_options options;
    const struct coh_virtual_server *default_server;
    /* NULL while one server answers for every name. */
    const struct coh_name_table *exact;
    const struct coh_name_table *leading;  /* "*.x", by "x" */
    const struct coh_name_table *trailing; /* "x.*", by "x" */
    /* Of a wildcard: addresses of its port that are configured, too. */
    const struct coh_address *const *covered;
    size_t covered_count;
    struct coh_address *next; /* in file order */
};

/* The configured address that a connection came to: for a wildcard that covers
   others a question to the kernel, else listening itself. */
const struct coh_address *coh_address_of_connection(
    const struct coh_address *listening, int fd);

#endif
