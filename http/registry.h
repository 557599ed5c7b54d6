/* What the http context is made of: its modules in running order, and what an
   http {} block gathers while it is read. */
#ifndef COH_HTTP_REGISTRY_H
#define COH_HTTP_REGISTRY_H

#include <stddef.h>

#include <cohort/conf.h>
#include <cohort/module/phase.h>

struct coh_address;
struct coh_file_cache;
struct coh_file_folder;
struct coh_log_format;
struct coh_log_sink;
struct coh_variable_use;
struct coh_virtual_server;

/* An http {} block. The object of COHORT_IN_HTTP; made once. */
struct coh_http_block {
    struct coh_virtual_server *servers; /* in file order */
    struct coh_address *addresses;      /* in file order */
    /* Variables that texts mention; a request keeps their values under the same
       index. */
    struct coh_variable_use *uses;
    size_t use_count;
    struct coh_log_format *formats;    /* log_format */
    struct coh_log_sink *log_sinks;    /* files of access_log, each once */
    struct coh_file_folder *folders;   /* of root and alias */
    struct coh_file_cache *file_cache; /* of the worker; NULL before start */
};

/* All modules of the http context in running order; ends with NULL. */
extern struct cohort_module *const coh_http_modules[];

/* The http {} block of a configuration; NULL if it has none. */
struct coh_http_block *coh_http_block(void *const *settings);

/* The module's hooks, or NULL. */
static inline const struct cohort_http_module *
coh_http_hooks(const struct cohort_module *module)
{
    return module->hooks;
}

#endif
