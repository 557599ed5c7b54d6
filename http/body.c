/* The body of a request: read by whoever asks for it, else dropped. */
#include "http/body.h"

#include "core/str.h"
#include "http/connection.h"
#include "http/request.h"
#include "http/scratch.h"
#include "http/service.h"
#include "http/settings.h"

/* Bytes that we read for nothing rather than close a connection. */
#define DROP_MAX (8u << 20)

/* -1: chunked. Larger ones than fit are too large for anybody. */
static int64_t
length_of(const struct coh_h1_body *body)
{
    uint64_t length = body->parser.content_length;

    if (body->is_chunked) {
        return -1;
    }
    return length < INT64_MAX ? (int64_t)length : INT64_MAX;
}

void
coh_body_open(struct cohort_request *request, const struct coh_h1_head *head)
{
    struct coh_body *body;
    struct cohort_str expect = coh_request_value(request, COH_HEADER_EXPECT);

    body = coh_arena_alloc(coh_request_arena(request), sizeof(*body));
    coh_h1_body_init(&body->h1, head);
    body->wants_continue =
        request->version == 11 && coh_str_is_nocase(expect, "100-continue");
    request->body = body;
    request->content_length = length_of(&body->h1);
}

bool
coh_body_is_wanted(const struct cohort_request *request)
{
    const struct coh_body *body = request->body;

    return body != NULL && body->on_data != NULL && !body->is_told;
}

static int
refuse(struct cohort_request *request, enum coh_rule rule)
{
    const struct coh_rule_row *row = coh_rule_row(rule);

    request->keep_alive = false;
    request->connection->http->counters[COH_COUNT_BAD_REQUESTS]++;
    cohort_info(cohort_request_log(request), "client sent %s", row->what);
    return row->status;
}

/* The next data in *input: 0, or the status of a refusal. */
static int
next_data(
    struct cohort_request *request, struct cohort_str *input,
    struct cohort_str *data)
{
    struct coh_body *body = request->body;
    const struct coh_client_settings *client =
        coh_client_settings(request->routing.settings);
    size_t before = input->size;
    enum coh_rule rule = coh_h1_body_next(&body->h1, input, data);

    request->request_size += before - input->size;
    body->received += data->size;
    if (before > 0) {
        body->wants_continue = false; /* it didn't wait for us */
    }
    if (rule == COH_RULE_NONE && client->client_max_body_size != 0 &&
        body->received > client->client_max_body_size) {
        rule = COH_RULE_BODY_SIZE;
    }
    return rule == COH_RULE_NONE ? 0 : refuse(request, rule);
}

int
coh_body_feed(struct cohort_request *request, struct cohort_str *input)
{
    struct coh_body *body = request->body;
    struct cohort_str data;
    int verdict = COHORT_LATER;

    while (verdict == COHORT_LATER && !body->h1.is_complete) {
        int refusal = next_data(request, input, &data);

        if (refusal != 0) {
            body->is_told = true;
            return refusal;
        }
        if (data.size == 0) {
            break;
        }
        verdict = body->on_data(request, data.data, data.size, body->user);
    }
    if (verdict == COHORT_LATER && body->h1.is_complete) {
        body->is_told = true;
        verdict = body->on_data(request, NULL, 0, body->user);
    }
    if (verdict != COHORT_LATER) {
        body->is_told = true; /* it has what it wants */
    }
    return verdict;
}

int
coh_body_discard(struct cohort_request *request, struct cohort_str *input)
{
    struct coh_body *body = request->body;
    struct cohort_str data;

    while (!body->h1.is_complete) {
        int refusal = next_data(request, input, &data);

        if (refusal != 0) {
            return refusal;
        }
        if (data.size == 0) {
            break;
        }
        body->dropped += data.size;
        if (body->dropped > DROP_MAX) {
            return 413;
        }
    }
    return body->h1.is_complete ? COHORT_DONE : COHORT_LATER;
}

int
coh_body_discard_rest(struct cohort_request *request)
{
    struct coh_scratch *scratch = request->connection->http->scratch;
    struct cohort_str input;
    int result;

    if (request->body->on_data != NULL || request->body->h1.is_complete ||
        !request->keep_alive ||
        request->connection->http->running != request->connection) {
        return 0;
    }
    input = coh_scratch_input(scratch);
    result = coh_body_discard(request, &input);
    scratch->input_at = scratch->input_end - input.size;
    return result == COHORT_DONE || result == COHORT_LATER ? 0 : result;
}

bool
coh_body_allows_next(const struct cohort_request *request)
{
    const struct coh_body *body = request->body;

    if (body->h1.is_complete) {
        return true;
    }
    if (body->wants_continue) {
        return false; /* nobody knows whether it will send one now */
    }
    return body->h1.is_chunked ||
        (uint64_t)request->content_length - body->received <= DROP_MAX;
}

/* --- asking --------------------------------------------------------------- */

/* A request without a body gets one that is complete. */
static void
open_empty(struct cohort_request *request)
{
    request->body =
        coh_arena_alloc(coh_request_arena(request), sizeof(*request->body));
    request->body->h1.is_complete = true;
}

int
cohort_body_read(
    struct cohort_request *request,
    int (*on_data)(
        struct cohort_request *request, const void *data, size_t size,
        void *user),
    void *user)
{
    if (request->body == NULL) {
        open_empty(request);
    }
    request->body->on_data = on_data;
    request->body->user = user;
    request->body->is_told = false;
    return COHORT_LATER; /* the connection feeds it when the handler is done */
}

int64_t
cohort_request_content_length(const struct cohort_request *request)
{
    return request->content_length;
}
