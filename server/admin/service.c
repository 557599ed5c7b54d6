/* The admin service's table of routes, and what becomes of a request that
   matches none. */
#include "server/admin/service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/admin/internal.h"
#include "server/admin/question.h"
#include "server/admin/reply.h"

/* Small machine, few clients: bodies are a line of JSON. */
#define MAIN_DIRECTIVES                                                        \
    "error_log stderr warn;\n"                                                 \
    "events {\n"                                                               \
    "    worker_connections 256;\n"                                            \
    "}\n"

#define HTTP_DIRECTIVES                                                        \
    "    client_max_body_size 64k;\n"                                          \
    "    client_body_timeout 10s;\n"                                           \
    "    client_header_timeout 10s;\n"                                         \
    "    send_timeout 30s;\n"                                                  \
    "    keepalive_min_timeout 0;\n"

/* For those who need not be trusted: they have sent a whole request before they
   come in, and answers are short. */
#define FOR_STRANGERS                                                          \
    "        client_header_timeout 2s;\n"                                      \
    "        client_body_timeout 2s;\n"                                        \
    "        send_timeout 5s;\n"                                               \
    "        lingering_time 2s;\n"                                             \
    "        lingering_timeout 1s;\n"

/* The addresses are names only: connections come from the primary's sockets. */
#define FORBIDDEN_SERVER                                                       \
    "    server {\n"                                                           \
    "        listen unix:/forbidden;\n" FOR_STRANGERS                          \
    "        default_type application/json;\n"                                 \
    "        return 403 '{\"error\":\"only root, the user that the server "    \
    "was started by, and the socket\\'s owner and group may ask\"}\\n';\n"     \
    "    }\n"

#define READ_ONLY_SERVER                                                       \
    "    server {\n"                                                           \
    "        listen unix:/read_only;\n" FOR_STRANGERS

static const struct coh_route routes[] = {
    {"= /metrics", .is_read_only = true, .get = coh_metrics_get},
    {"= /healthz", .is_read_only = true, .get = coh_healthz_get},
    {"= /readyz", .is_read_only = true, .get = coh_readyz_get},
    {"= /v1/status", .get = coh_status_get},
    {"= /v1/config", .get = coh_config_get},
    {"= /v1/events", .get = coh_events_get},
    {"= /v1/workers", .get = coh_workers_get, .post = coh_workers_post},
    {"/v1/workers/", .get = coh_worker_any, .post = coh_worker_any},
    {"/v1/groups/", .patch = coh_group_patch},
    {"= /v1/reload", .post = coh_reload_post},
    {"= /v1/reopen", .post = coh_reopen_post},
    {"= /v1/upgrade", .post = coh_upgrade_post},
    {"= /v1/quit", .post = coh_quit_post},
    {"= /v1/stop", .post = coh_stop_post},
};

#define ROUTE_COUNT (sizeof(routes) / sizeof(routes[0]))

/* --- dispatch ------------------------------------------------------------- */

static int
refuse_method(struct cohort_request *request, const struct coh_route *route)
{
    char methods[64];

    snprintf(
        methods, sizeof(methods), "%s%s%s%s%s", route->get ? "GET, HEAD" : "",
        route->get && route->post ? ", " : "", route->post ? "POST" : "",
        (route->get || route->post) && route->patch ? ", " : "",
        route->patch ? "PATCH" : "");
    return coh_reply_method(request, methods);
}

static int
dispatch(struct cohort_request *request, void *user)
{
    const struct coh_admin_entry *entry = user;
    const struct coh_route *route = entry->route;

    if (route->get && coh_is_method(request, "GET")) {
        return route->get(entry->admin, request);
    }
    if (route->post && coh_is_method(request, "POST")) {
        return route->post(entry->admin, request);
    }
    if (route->patch && coh_is_method(request, "PATCH")) {
        return route->patch(entry->admin, request);
    }
    return refuse_method(request, route);
}

static int
answer_unknown(struct cohort_request *request, void *user)
{
    (void)user;
    return coh_reply_error(
        request, 404, "there is nothing here; GET /v1/status is a beginning");
}

/* --- registration --------------------------------------------------------- */

/* Handlers are numbered as they are registered. */
static int
add_read_only_server(struct cohort *cohort)
{
    char text[1024];
    int used = snprintf(text, sizeof(text), "%s", READ_ONLY_SERVER);

    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        if (routes[i].is_read_only) {
            used += snprintf(
                text + used, sizeof(text) - (size_t)used,
                "        location %s { handler %zu; }\n", routes[i].location,
                i);
        }
    }
    snprintf(
        text + used, sizeof(text) - (size_t)used,
        "        location / { handler %zu; }\n"
        "    }\n",
        ROUTE_COUNT);
    return cohort_set_http_directives(cohort, text);
}

static int
add_handlers(struct coh_admin *admin, struct cohort *cohort)
{
    int result = 0;

    for (size_t i = 0; result == 0 && i < ROUTE_COUNT; i++) {
        struct coh_admin_entry *entry = &admin->entries[i];

        *entry = (struct coh_admin_entry){admin, &routes[i]};
        result = cohort_handle(cohort, routes[i].location, dispatch, entry);
    }
    return result == 0 ? cohort_handle(cohort, "/", answer_unknown, NULL)
                       : result;
}

/* The helper becomes who the primary says; who its configuration would choose
   need not exist. */
static int
add_main_directives(struct cohort *cohort)
{
    if (geteuid() == 0) {
        cohort_set_directives(cohort, "user root root;\n");
    }
    return cohort_set_directives(cohort, MAIN_DIRECTIVES);
}

int
coh_admin_register(struct coh_admin *admin, struct cohort *cohort)
{
    int result = add_handlers(admin, cohort);

    if (result == 0) {
        result = add_main_directives(cohort);
    }
    if (result == 0) {
        result = cohort_set_http_directives(
            cohort, HTTP_DIRECTIVES FORBIDDEN_SERVER);
    }
    if (result == 0) {
        result = add_read_only_server(cohort);
    }
    return result == 0 ? cohort_listen(cohort, "unix:/open") : result;
}

/* --- life ----------------------------------------------------------------- */

struct coh_admin *
coh_admin_new(void)
{
    struct coh_admin *admin = calloc(1, sizeof(*admin));

    if (admin) {
        admin->entries = calloc(ROUTE_COUNT, sizeof(*admin->entries));
    }
    if (!admin || !admin->entries) {
        abort();
    }
    LIST_INIT(&admin->questions);
    LIST_INIT(&admin->events.listeners);
    return admin;
}

void
coh_admin_free(struct coh_admin *admin)
{
    if (admin) {
        coh_questions_end(admin);
        coh_admin_events_fini(&admin->events);
        free(admin->entries);
        free(admin);
    }
}

void
coh_admin_connect(struct coh_admin *admin, const struct coh_admin_link *link)
{
    admin->link = *link;
}

void
coh_admin_drain(struct coh_admin *admin)
{
    coh_admin_events_end(&admin->events);
}
