/* The requests of a connection, one after the other.
 *
 *   read_request   head -> phases
 *   go_on          a resumed verdict, a wanted body, a streamed response
 *   finish         output gone -> log -> rest of the body -> next request
 */
#include "http/serve.h"

#include <string.h>

#include "core/str.h"
#include "http/body.h"
#include "http/output.h"
#include "http/request.h"
#include "http/request_head.h"
#include "http/request_limits.h"
#include "http/response_stream.h"
#include "http/scratch.h"
#include "http/service.h"
#include "http/settings.h"

/* Nobody waits for an answer any more: a status for the log alone. */
#define STATUS_CLIENT_GONE 499

static const char continue_head[] = "HTTP/1.1 100 Continue\r\n\r\n";

/* A hook that says that it has answered must have done so. */
static void
check_answer(struct cohort_request *request, int verdict)
{
    if (verdict == COHORT_DONE &&
        request->response.stage == COH_RESPONSE_NONE) {
        cohort_error(
            cohort_request_log(request),
            "a handler returned COHORT_DONE without an answer");
        coh_phases_end(request, 500);
    }
}

/* --- heads ---------------------------------------------------------------- */

/* Refuse what was sent: nothing behind it can be read. */
static void
refuse(struct cohort_request *request, enum coh_rule rule)
{
    const struct coh_rule_row *row = coh_rule_row(rule);
    struct coh_connection *connection = request->connection;

    request->keep_alive = false;
    connection->must_linger = true;
    connection->http->counters[COH_COUNT_BAD_REQUESTS]++;
    cohort_info(
        cohort_request_log(request), "client sent %s while reading the request",
        row->what);
    coh_phases_end(request, row->status);
}

static struct cohort_request *
begin_request(struct coh_connection *connection)
{
    connection->request_count++;
    connection->http->counters[COH_COUNT_REQUESTS]++;
    return coh_request_new(connection);
}

static void
refuse_head(struct coh_connection *connection, enum coh_rule rule)
{
    struct coh_scratch *scratch = connection->http->scratch;
    struct cohort_request *request = begin_request(connection);

    scratch->input_at = scratch->input_end;
    coh_request_begin_broken(request, &scratch->head);
    refuse(request, rule);
}

static void
serve_head(struct coh_connection *connection)
{
    struct coh_scratch *scratch = connection->http->scratch;
    struct cohort_request *request = begin_request(connection);
    enum coh_rule rule = coh_request_read_head(request, &scratch->head);

    request->is_pipelined =
        scratch->input_at > 0 && connection->request_count > 1;
    scratch->input_at += scratch->head.size;
    if (rule != COH_RULE_NONE) {
        refuse(request, rule);
    } else if (
        request->method == COH_METHOD_TRACE ||
        request->method == COH_METHOD_CONNECT) {
        coh_phases_end(request, 405);
    } else {
        check_answer(request, coh_phases_run(request));
    }
}

/* A head that was not complete is looked at again only when another line of it
   has come, or when it may have become too large: whoever sends it byte by byte
   shall not make us read it as often. */
static bool
is_worth_reading(
    const struct coh_connection *connection, const struct coh_scratch *scratch)
{
    size_t fresh = scratch->input_fresh;

    return connection->state != COH_CONNECTION_READING || fresh == 0 ||
        scratch->input_at > 0 ||
        memchr(scratch->input + fresh, '\n', scratch->input_end - fresh) !=
        NULL ||
        scratch->input_end > coh_request_head_max(connection->client);
}

/* Read the next head. False: there is none, or not all of it. */
static bool
read_request(struct coh_connection *connection)
{
    struct coh_scratch *scratch = connection->http->scratch;
    struct cohort_str input = coh_scratch_input(scratch);
    enum coh_rule rule;

    if (input.size == 0 || !is_worth_reading(connection, scratch)) {
        return false;
    }
    rule = coh_h1_read_head(&scratch->head, input.data, input.size);
    scratch->input_at += scratch->head.skipped;
    if (rule == COH_RULE_NONE && scratch->head.is_complete) {
        serve_head(connection);
        return true;
    }
    if (rule == COH_RULE_NONE) {
        rule = coh_request_check_unfinished(
            connection, &scratch->head, scratch->input_end - scratch->input_at);
    }
    if (rule != COH_RULE_NONE) {
        refuse_head(connection, rule);
        return true;
    }
    return false;
}

/* --- a request on its way ------------------------------------------------- */

/* What cohort_resume() has queued, or who reads the body has said: for a
   handler, or for a producer. */
static void
take_verdict(struct cohort_request *request, int verdict)
{
    if (request->response.stage == COH_RESPONSE_BODY) {
        coh_response_resume(request, verdict);
    } else {
        check_answer(request, coh_phases_resume(request, verdict));
    }
}

/* Not behind the head of a response, which says the same. */
static void
send_continue(struct cohort_request *request)
{
    if (request->body->wants_continue &&
        request->response.stage == COH_RESPONSE_NONE) {
        request->body->wants_continue = false;
        coh_output_memory(
            request->connection, continue_head, sizeof(continue_head) - 1);
    }
}

static enum coh_outcome
feed_body(struct cohort_request *request)
{
    struct coh_scratch *scratch = request->connection->http->scratch;
    struct cohort_str input = coh_scratch_input(scratch);
    uint8_t stage = request->response.stage;
    int verdict = coh_body_feed(request, &input);

    scratch->input_at = scratch->input_end - input.size;
    if (verdict != COHORT_LATER) {
        take_verdict(request, verdict);
        return COH_SERVE_NEXT;
    }
    if (request->response.stage != stage) {
        return COH_SERVE_NEXT; /* its producer is asked first */
    }
    if (coh_body_is_complete(request)) {
        return COH_SERVE_RESUME;
    }
    send_continue(request);
    return COH_SERVE_BODY;
}

/* One step of a request whose response isn't complete. A producer that has
   nothing to give may be waiting for the body. */
static enum coh_outcome
go_on(struct cohort_request *request)
{
    enum coh_outcome outcome = COH_SERVE_RESUME;

    if (request->has_verdict) {
        request->has_verdict = false;
        take_verdict(request, request->verdict);
        return COH_SERVE_NEXT;
    }
    if (request->response.stage == COH_RESPONSE_BODY) {
        outcome = coh_response_pump(request);
    }
    if (outcome == COH_SERVE_RESUME && coh_body_is_wanted(request)) {
        outcome = feed_body(request);
    }
    return outcome;
}

/* --- the end of a request ------------------------------------------------- */

static void
count_status(const struct cohort_request *request)
{
    int class = request->response.status / 100;

    if (class >= 1 && class <= 5) {
        request->connection->http->counters[COH_COUNT_1XX + class - 1]++;
    }
}

static void
log_request(struct cohort_request *request)
{
    uint64_t *counters = request->connection->http->counters;

    coh_duration_count(
        &counters[COH_DURATION_FIRST],
        coh_loop_now_ms(request->connection->http->loop) - request->started_ms);
    coh_phases_log(request);
}

/* The response has gone out: what the connection needs to know is kept. */
static void
settle(struct cohort_request *request)
{
    struct coh_connection *connection = request->connection;

    request->is_logged = true;
    count_status(request);
    log_request(request);
    connection->last_ms = coh_loop_now_ms(connection->http->loop);
    connection->client = coh_client_settings(request->routing.settings);
    connection->is_closing = !request->keep_alive;
    connection->must_linger |= !coh_body_is_complete(request);
}

/* The rest of a body stands between here and the next request. */
static enum coh_outcome
drop_body(struct cohort_request *request)
{
    struct coh_connection *connection = request->connection;
    struct coh_scratch *scratch = connection->http->scratch;
    struct cohort_str input = coh_scratch_input(scratch);
    int result = coh_body_discard(request, &input);

    scratch->input_at = scratch->input_end - input.size;
    if (result == COHORT_LATER) {
        return COH_SERVE_DROP;
    }
    if (result != COHORT_DONE) {
        connection->is_closing = true;
    }
    return COH_SERVE_NEXT;
}

static enum coh_outcome
finish(struct cohort_request *request)
{
    struct coh_connection *connection = request->connection;
    enum coh_outcome outcome = COH_SERVE_NEXT;

    if (coh_output_is_blocked(connection)) {
        /* What waits when it is cut is dropped, before it is logged. */
        return connection->is_cut ? COH_SERVE_CLOSE : COH_SERVE_OUTPUT;
    }
    if (!request->is_logged) {
        settle(request);
    }
    if (!coh_body_is_complete(request) && !connection->is_closing) {
        outcome = drop_body(request);
    }
    if (outcome == COH_SERVE_NEXT) {
        connection->must_linger &= connection->is_closing;
        coh_request_free(request);
    }
    return outcome;
}

/* --- all of them ---------------------------------------------------------- */

enum coh_outcome
coh_serve(struct coh_connection *connection)
{
    enum coh_outcome outcome = COH_SERVE_NEXT;

    while (outcome == COH_SERVE_NEXT && !connection->is_broken) {
        struct cohort_request *request = connection->request;

        if (request != NULL) {
            outcome = request->response.stage == COH_RESPONSE_ENDED
                ? finish(request)
                : go_on(request);
        } else if (connection->is_closing) {
            outcome = COH_SERVE_CLOSE;
        } else if (coh_output_must_wait(connection)) {
            outcome = COH_SERVE_OUTPUT;
        } else if (!read_request(connection)) {
            outcome = COH_SERVE_HEAD;
        }
    }
    return connection->is_broken ? COH_SERVE_CLOSE : outcome;
}

enum coh_outcome
coh_serve_error(struct coh_connection *connection, int status)
{
    struct cohort_request *request = connection->request;

    connection->must_linger = true;
    if (request == NULL) {
        request = begin_request(connection);
        coh_h1_head_forget(&connection->http->scratch->head);
        coh_request_begin_broken(request, &connection->http->scratch->head);
    }
    request->keep_alive = false;
    if (request->body != NULL) {
        request->body->is_told = true; /* its end, if by nobody */
    }
    if (request->response.stage == COH_RESPONSE_BODY) {
        coh_response_abort(request); /* what is left depends on the body */
    } else if (request->response.stage == COH_RESPONSE_NONE) {
        coh_phases_end(request, status);
    } else {
        connection->is_closing = true;
    }
    return coh_serve(connection);
}

void
coh_serve_gone(struct coh_connection *connection)
{
    struct cohort_request *request = connection->request;

    if (request == NULL) {
        return;
    }
    if (!request->is_logged) {
        request->is_logged = true;
        if (request->response.status == 0) {
            request->response.status = STATUS_CLIENT_GONE;
            connection->http->counters[COH_COUNT_UNANSWERED]++;
        } else {
            count_status(request);
        }
        log_request(request);
    }
    coh_request_free(request);
}
