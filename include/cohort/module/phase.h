/* Hooks of HTTP modules in the phases of a request. */
#ifndef COHORT_MODULE_PHASE_H
#define COHORT_MODULE_PHASE_H

#include <cohort/http.h>

#ifdef __cplusplus
extern "C" {
#endif

/* In the order of running. */
enum cohort_phase {
    COHORT_PHASE_POST_READ,
    COHORT_PHASE_SERVER_REWRITE,
    COHORT_PHASE_REWRITE, /* after the location was found */
    COHORT_PHASE_PREACCESS,
    COHORT_PHASE_ACCESS,
    COHORT_PHASE_PRECONTENT,
    COHORT_PHASE_CONTENT, /* the first handler that applies answers */
    COHORT_PHASE_LOG,     /* after the last byte; the verdict is ignored */
    COHORT_PHASE_COUNT,
};

/* A hook. settings: of its own module, at the request's location. */
typedef int (*cohort_hook)(
    struct cohort_request *request, const void *settings);

struct cohort_phase_hook {
    enum cohort_phase phase;
    cohort_hook run;
    /* Asked at load for each location: false leaves the hook out of its plan,
       where it then costs nothing. NULL: always there. */
    bool (*is_wanted)(const void *settings);
};

/*
 * Changes a response's head before it is rendered: cohort_response_header().
 * Runs once per response, in the order of the registry.
 */
struct cohort_head_filter {
    void (*run)(
        struct cohort_request *request, const void *settings, int status);
    bool (*is_wanted)(const void *settings);
};

/* What stands in cohort_module.hooks of HTTP modules. */
struct cohort_http_module {
    const struct cohort_phase_hook *hooks; /* ends with run == NULL */
    const struct cohort_head_filter *head_filter; /* NULL: none */
};

/*
 * Answer with a regular file: head with Content-Length and Last-Modified, then
 * the bytes by sendfile or from the small file cache; HEAD, range and
 * conditional requests as the file's validators say.
 *
 * path      As the file system has it, below root; both NUL-terminated.
 * Returns   A verdict, or 403, 404, 405, 500.
 */
int cohort_respond_file(struct cohort_request *request, const char *path);

/* Order an internal redirect: same request, settings and plan chosen anew. At
   most ten per request, then 500. Return its verdict. */
int cohort_redirect_internal(
    struct cohort_request *request, struct cohort_str uri);

/* A redirect for the client, absolute or not as configured. location: begins
   with "/" (escaped here, arguments kept) or is a whole URL. */
int cohort_redirect(
    struct cohort_request *request, int status, struct cohort_str location);

/* The settings of another module at the request's location. */
const void *cohort_request_settings(
    const struct cohort_request *request, const struct cohort_module *module);

#ifdef __cplusplus
}
#endif

#endif
