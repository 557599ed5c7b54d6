/* location {} blocks and what they say. */
#ifndef COH_HTTP_LOCATION_H
#define COH_HTTP_LOCATION_H

#include <stdbool.h>
#include <stddef.h>

#include <cohort/conf.h>
#include <cohort/str.h>

struct coh_location_index;
struct coh_plan;
struct coh_virtual_server;

enum coh_location_match {
    COH_MATCH_ROOT,   /* the server, outside any location */
    COH_MATCH_PREFIX, /* "/a/", and "^~ /a/": regexes are not tried */
    COH_MATCH_EXACT,  /* "= /a" */
    COH_MATCH_NAMED,  /* "@a": internal redirects alone */
};

struct coh_location {
    const struct coh_virtual_server *server;
    const struct coh_location *outer; /* NULL: the root */
    enum coh_location_match match;
    struct cohort_str path;       /* without the modifier; "" of the root */
    struct coh_location **inside; /* in file order */
    size_t inside_count;
    const struct coh_location_index *index; /* of inside; NULL: none */
    void *const *settings;                  /* by module->index */
    const struct coh_plan *plan;            /* made when all is known */
};

/* location {} */
extern struct cohort_module coh_location_module;

/* The place of a server's own settings. */
struct coh_location *coh_location_new_root(
    struct cohort_conf *conf, struct coh_virtual_server *server);

/* The block of a location (or server) ends: keep its settings, index what is
   inside. */
void coh_location_close(
    struct cohort_conf *conf, struct coh_location *location);

#endif
