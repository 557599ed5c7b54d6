/* Hooks of HTTP modules in the phases of a request. */
#ifndef COHORT_MODULE_PHASE_H
#define COHORT_MODULE_PHASE_H

#include <cohort/http.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

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

/* A field that is the same in every response. */
struct cohort_constant_field {
    struct cohort_str name;
    struct cohort_str value;
};

/*
 * Changes a response's head before it is rendered: cohort_response_header().
 * Runs once per response, in the order of the registry.
 */
struct cohort_head_filter {
    void (*run)(
        struct cohort_request *request, const void *settings, int status);
    bool (*is_wanted)(const void *settings);
    /*
     * Asked where an answer can be rendered once for all requests: write down
     * the fields that run() would add to each response of that status.
     *
     * Returns  How many; more than room if they are not always the same (then
     *          the answer is not rendered). NULL: they never are.
     */
    size_t (*constant)(
        const void *settings, int status, struct cohort_constant_field *fields,
        size_t room);
};

/*
 * Asked when a request is about to end with a status of 300 or more and the
 * built-in page, in the order of the registry: an internal redirect instead, a
 * status to end with instead (as of cohort_redirect()), for which no hook is
 * asked again, or COHORT_PASS.
 */
struct cohort_status_hook {
    int (*run)(
        struct cohort_request *request, const void *settings, int status);
    bool (*is_wanted)(const void *settings);
};

/* An answer that is the same for every request: rendered at load. */
struct cohort_constant {
    int status;
    struct cohort_str body;
};

struct cohort_variable;

/* What stands in cohort_module.hooks of HTTP modules; what is NULL is not
   there. */
struct cohort_http_module {
    const struct cohort_phase_hook *hooks; /* ends with run == NULL */
    const struct cohort_head_filter *head_filter;
    const struct cohort_status_hook *status_hook;
    const struct cohort_variable *variables; /* ends with name == NULL */
    /* True if the first hook of this module always ends the request with the
       same answer, of the location's default_type. */
    bool (*constant)(const void *settings, struct cohort_constant *answer);
};

/*
 * Order an internal redirect: same request, settings and plan chosen anew. At
 * most ten per request, then 500. Return its verdict.
 *
 * path  Decoded, begins with "/"; or "@name": that location, the path stays.
 *       Anything else is logged, and the verdict is 500; 404 with ".." or a
 *       NUL in it.
 * args  NULL: those of the request stay.
 */
int cohort_redirect_internal(
    struct cohort_request *request, struct cohort_str path,
    const struct cohort_str *args);

/*
 * The same for the page of an error: at most one per request, unless the module
 * allows more. Except to "@name", the method becomes GET.
 *
 * status  What the response will have, whatever answers; 0: its own. A target
 *         that redirects has its own.
 */
int cohort_redirect_error(
    struct cohort_request *request, struct cohort_str path,
    const struct cohort_str *args, int status);
bool cohort_request_is_error_page(const struct cohort_request *request);

/* Change the decoded path, but not the location; copied. Returns COHORT_PASS;
   a status as cohort_redirect_internal(), and nothing is changed. */
int cohort_request_set_path(
    struct cohort_request *request, struct cohort_str path);

/* The path of the location that is being read, without its modifier; "" outside
   of any. For set() of directives. */
struct cohort_str cohort_conf_location_path(const struct cohort_conf *conf);

/* Has the request come here by an internal redirect? */
bool cohort_request_is_internal(const struct cohort_request *request);

/*
 * A redirect for the client, absolute or not as configured.
 *
 * location  A URL, or what follows the host in one. Bytes that stand in no URL
 *           (controls, space, "<>\^`{|}, everything above 0x7e) are escaped;
 *           %, ? and # stay as they are. Copied.
 * Returns   The verdict.
 */
int cohort_redirect(
    struct cohort_request *request, int status, struct cohort_str location);

/* The same to a decoded path, in which also %, ? and # are escaped; the
   arguments of the request are kept, escaped as above. */
int cohort_redirect_path(
    struct cohort_request *request, int status, struct cohort_str path);

/* Is status one that fields are added to without further ado: 200, 201, 204,
   206, 301 to 304, 307, 308? */
bool cohort_status_is_usual(int status);

/* Like cohort_response_header(), in the place of all fields of that name; an
   empty value takes them out. */
int cohort_response_replace(
    struct cohort_request *request, struct cohort_str name,
    struct cohort_str value);

/* The settings of another module at the request's location. */
const void *cohort_request_settings(
    const struct cohort_request *request, const struct cohort_module *module);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
