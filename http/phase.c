/* A request's way through the phases.
 *
 *   begin -> early steps (of the server) -> locate -> steps (of the location)
 *
 * A step's verdict leads to the next step, to locate again (an internal
 * redirect was ordered), to the end with a status, or out: the response has
 * been started, or the step will be gone on with later. */
#include "http/phase.h"

#include <stdint.h>
#include <string.h>

#include "core/str.h"
#include "http/location.h"
#include "http/page.h"
#include "http/plan.h"
#include "http/request.h"
#include "http/route.h"
#include "http/scratch.h"
#include "http/service.h"
#include "http/status.h"
#include "http/uri.h"
#include "http/virtual_server.h"

static void
enter(struct cohort_request *request, const struct coh_location *location)
{
    request->routing.location = location;
    request->routing.settings = location->settings;
    request->routing.step = location->plan->early_count;
    request->routing.is_located = true;
}

void
coh_phases_begin(struct cohort_request *request)
{
    enter(request, request->routing.server->root);
    request->routing.step = 0;
    request->routing.is_located = false;
}

/* Run steps until one has something to say, or to the end of the stage. */
static int
run_steps(struct cohort_request *request)
{
    struct coh_routing *routing = &request->routing;
    const struct coh_plan *plan = routing->location->plan;
    uint16_t end = routing->is_located ? plan->log_at : plan->early_count;

    while (routing->step < end) {
        const struct coh_plan_step *step = &plan->steps[routing->step];
        int verdict;

        routing->step++;
        verdict = step->run(request, step->settings);
        if (verdict != COHORT_PASS && verdict != COHORT_ALLOW) {
            return verdict;
        }
    }
    return COHORT_PASS;
}

/* Most requests of a client ask for what its last one asked for (http/h1.h). */
static const struct coh_location *
find_location(const struct cohort_request *request)
{
    struct coh_location_memo *memo =
        &request->connection->http->scratch->location;
    const struct coh_virtual_server *server = request->routing.server;
    /* A path that is not in the head is at no place of another path. */
    const size_t path_at =
        (uintptr_t)request->uri.data - (uintptr_t)request->head;

    if (request->head_number == 0 || path_at >= request->head_size) {
        return coh_route_location(server, request->uri);
    }
    if (memo->head_number != request->head_number || memo->server != server ||
        memo->path_at != path_at || memo->path_size != request->uri.size) {
        *memo = (struct coh_location_memo){
            .head_number = request->head_number,
            .server = server,
            .location = coh_route_location(server, request->uri),
            .path_at = path_at,
            .path_size = request->uri.size,
        };
    }
    return memo->location;
}

/* The path is known: find its location. A status if that forbids the request's
   body, which the page of an error has no say in any more. */
static int
locate(struct cohort_request *request)
{
    enter(request, find_location(request));
    return request->routing.is_error_page ? COHORT_PASS
                                          : coh_request_check_body(request);
}

static int
run_located(struct cohort_request *request)
{
    const struct coh_plan *plan = request->routing.location->plan;
    int verdict;

    if (plan->rendered && request->routing.error_status == 0) {
        return coh_respond_rendered(request, plan->rendered);
    }
    verdict = run_steps(request);
    return verdict == COHORT_PASS ? 404 : verdict;
}

/* From where the request stands to the first verdict that says something. */
static int
run(struct cohort_request *request)
{
    int verdict;

    if (!request->routing.is_located) {
        verdict = run_steps(request);
        if (verdict == COHORT_PASS) {
            verdict = locate(request);
        }
        if (verdict != COHORT_PASS) {
            return verdict;
        }
    }
    return run_located(request);
}

/* --- ends ----------------------------------------------------------------- */

static int
run_status_hooks(struct cohort_request *request, int status)
{
    const struct coh_plan *plan = request->routing.location->plan;
    int verdict = COHORT_PASS;
    uint16_t i;

    for (i = 0; i < plan->status_count && verdict == COHORT_PASS; i++) {
        verdict = plan->status_hooks[i].hook->run(
            request, plan->status_hooks[i].settings, status);
    }
    return verdict;
}

static int
check_status(struct cohort_request *request, int status)
{
    if (coh_status_is_final(status)) {
        return status;
    }
    cohort_error(
        cohort_request_log(request),
        "a handler returned %d, which is neither a verdict nor a status",
        status);
    return 500;
}

/* End with a status: COHORT_DONE, perhaps with an internal redirect ordered. */
static int
end(struct cohort_request *request, int status)
{
    int verdict = COHORT_PASS;

    status = check_status(request, status);
    if (request->response.stage != COH_RESPONSE_NONE) {
        return coh_response_abort(request);
    }
    if (coh_status_ends_connection(coh_status_on_wire(status))) {
        request->keep_alive = false; /* whatever a page makes of the status */
    }
    if (status >= 300 && status != COH_STATUS_CLOSE) {
        verdict = run_status_hooks(request, status);
    }
    if (verdict == COHORT_DONE || verdict == COHORT_LATER) {
        return verdict;
    }
    if (verdict != COHORT_PASS) {
        /* It is not asked for a page of its own: there may be no end. */
        status = check_status(request, verdict);
    }
    if (status == COH_STATUS_CLOSE) {
        request->response.status = status; /* which the log alone sees */
        return coh_response_abort(request);
    }
    request->routing.error_status = 0;
    return coh_page_respond(request, status);
}

/* An internal redirect was ordered: go where it leads. */
static int
follow(struct cohort_request *request)
{
    struct coh_routing *routing = &request->routing;
    int verdict;

    routing->is_redirecting = false;
    if (routing->redirect_count >= COH_REDIRECTS_MAX) {
        cohort_error(
            cohort_request_log(request),
            "more than %d internal redirects, the last to \"%.*s\"; look for "
            "a cycle in index, error_page or try_files",
            COH_REDIRECTS_MAX, (int)request->uri.size, request->uri.data);
        return coh_page_respond(request, 500);
    }
    routing->redirect_count++;
    routing->is_internal = true;
    coh_response_clear(request);
    if (routing->named) {
        enter(request, routing->named);
        routing->named = NULL;
        return run_located(request);
    }
    verdict = locate(request);
    return verdict == COHORT_PASS ? run_located(request) : verdict;
}

/* Go on from a verdict until the request is answered or waits. */
static int
settle(struct cohort_request *request, int verdict)
{
    for (;;) {
        if (verdict == COHORT_LATER) {
            return verdict;
        }
        if (verdict != COHORT_DONE) {
            verdict = end(request, verdict);
        } else if (request->routing.is_redirecting) {
            verdict = follow(request);
        } else {
            return COHORT_DONE;
        }
    }
}

int
coh_phases_run(struct cohort_request *request)
{
    return settle(request, run(request));
}

int
coh_phases_resume(struct cohort_request *request, int verdict)
{
    if (verdict == COHORT_PASS || verdict == COHORT_ALLOW) {
        verdict = run(request);
    }
    return settle(request, verdict);
}

int
coh_phases_end(struct cohort_request *request, int status)
{
    return settle(request, end(request, status));
}

void
coh_phases_log(struct cohort_request *request)
{
    const struct coh_plan *plan = request->routing.location->plan;
    uint16_t i;

    for (i = plan->log_at; i < plan->step_count; i++) {
        (void)plan->steps[i].run(request, plan->steps[i].settings);
    }
}

/* --- what modules ask for ------------------------------------------------- */

/* Texts of the configuration with variables in them may be no paths: what is
   behind counts on the "/", and on what cohort_request_path() promises.
   COHORT_PASS, or the status to end with. */
static int
set_path(struct cohort_request *request, struct cohort_str path)
{
    if (path.size == 0 || path.data[0] != '/') {
        cohort_error(
            cohort_request_log(request),
            "\"%.*s\" is no path, as it does not begin with \"/\"; look at "
            "what try_files or index make of variables",
            (int)path.size, path.data);
        return 500;
    }
    if (coh_path_climbs(path, 0) || memchr(path.data, '\0', path.size)) {
        cohort_error(
            cohort_request_log(request),
            "\"%.*s\" is no path, as there is \"..\" or a NUL in it",
            (int)path.size, path.data);
        return 404;
    }
    coh_request_set_uri(request, path);
    return COHORT_PASS;
}

int
cohort_redirect_internal(
    struct cohort_request *request, struct cohort_str path,
    const struct cohort_str *args)
{
    struct coh_routing *routing = &request->routing;
    int verdict = COHORT_PASS;

    if (request->response.stage != COH_RESPONSE_NONE) {
        return 500; /* the head is out: the response will be cut */
    }
    routing->named = NULL;
    if (path.size > 0 && path.data[0] == '@') {
        routing->named = coh_route_named(routing->server, path);
        if (!routing->named) {
            cohort_error(
                cohort_request_log(request),
                "could not find named location \"%.*s\"", (int)path.size,
                path.data);
            return 500;
        }
    } else {
        verdict = set_path(request, path);
    }
    if (verdict != COHORT_PASS) {
        return verdict;
    }
    if (args) {
        coh_request_set_args(request, *args);
    }
    routing->is_redirecting = true;
    return COHORT_DONE;
}

int
cohort_redirect_error(
    struct cohort_request *request, struct cohort_str path,
    const struct cohort_str *args, int status)
{
    struct coh_routing *routing = &request->routing;
    int verdict = cohort_redirect_internal(request, path, args);

    routing->is_error_page = true;
    routing->error_status = (short)status;
    if (verdict == COHORT_DONE && !routing->named &&
        request->method != COH_METHOD_HEAD) {
        request->method = COH_METHOD_GET;
        request->method_text = COH_STR("GET");
    }
    return verdict;
}

int
cohort_request_set_path(struct cohort_request *request, struct cohort_str path)
{
    return set_path(request, path);
}

bool
cohort_request_is_error_page(const struct cohort_request *request)
{
    return request->routing.is_error_page;
}

bool
cohort_request_is_internal(const struct cohort_request *request)
{
    return request->routing.is_internal;
}

const void *
cohort_request_settings(
    const struct cohort_request *request, const struct cohort_module *module)
{
    return request->routing.settings[module->index];
}

bool
cohort_status_is_usual(int status)
{
    return status == 200 || status == 201 || status == 204 || status == 206 ||
        (status >= 301 && status <= 304) || status == 307 || status == 308;
}

int
cohort_response_replace(
    struct cohort_request *request, struct cohort_str name,
    struct cohort_str value)
{
    if (request->response.stage == COH_RESPONSE_NONE) {
        coh_response_remove(request, name);
    }
    return value.size > 0 ? cohort_response_header(request, name, value) : 0;
}
