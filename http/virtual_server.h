/* Servers of a configuration and their names. */
#ifndef COH_HTTP_VIRTUAL_SERVER_H
#define COH_HTTP_VIRTUAL_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include <cohort/conf.h>
#include <cohort/str.h>

struct coh_http_block;
struct coh_location;

/* A server {} block. */
struct coh_virtual_server {
    const struct coh_http_block *block;
    /* The first name (".x" as "x"); "" if it has none. */
    struct cohort_str name;
    /* All of them, lower case: "x", "*.x", "x.*", ".x", "". */
    struct cohort_str *names;
    size_t name_count;
    size_t listen_count;
    /* What holds outside any location; the server's locations are inside. */
    struct coh_location *root;
    void *const *settings;           /* those of root */
    struct coh_virtual_server *next; /* in file order */
};

/* server {} and server_name. */
extern struct cohort_module coh_virtual_server_module;

#endif
