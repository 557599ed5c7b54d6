/* A response: begun, given its body by memory or files, ended. */
#include "http/response.h"

#include <string.h>

#include "core/check.h"
#include "core/str.h"
#include "http/body.h"
#include "http/connection.h"
#include "http/output.h"
#include "http/piece.h"
#include "http/request.h"
#include "http/response_head.h"
#include "http/settings.h"
#include "http/status.h"

/* --- begin ---------------------------------------------------------------- */

void
coh_response_clear(struct cohort_request *request)
{
    COH_CHECK(request->response.stage == COH_RESPONSE_NONE);
    request->response = (struct coh_response){0};
}

/* The status of an error stays while a page is served for it; a page that leads
   elsewhere has its own. */
static int
final_status(const struct cohort_request *request, int status)
{
    bool is_redirect = status >= 300 && status < 400;

    if (request->routing.error_status != 0 && !is_redirect) {
        status = request->routing.error_status;
    }
    return coh_status_on_wire(status);
}

static void
choose_framing(struct cohort_request *request, int64_t length)
{
    struct coh_response *response = &request->response;
    bool is_bodiless = coh_status_is_bodiless(response->status);

    response->is_head_only = is_bodiless || request->method == COH_METHOD_HEAD;
    response->is_length_known = length >= 0;
    response->length = length >= 0 ? (uint64_t)length : 0;
    if (length >= 0 || is_bodiless) {
        return;
    }
    response->is_chunked = request->version == 11 &&
        coh_response_settings(request->routing.settings)
            ->chunked_transfer_encoding;
    if (!response->is_chunked) {
        request->keep_alive = false;
    }
}

int
coh_response_begin(
    struct cohort_request *request, int status, struct cohort_str type,
    int64_t length)
{
    struct coh_response *response = &request->response;
    int refusal = coh_body_discard_received(request);

    COH_CHECK(response->stage == COH_RESPONSE_NONE);
    if (refusal != 0) {
        coh_response_clear(request); /* it was said of another answer */
        return refusal;
    }
    response->status = final_status(request, status);
    if (coh_status_ends_connection(response->status)) {
        request->keep_alive = false;
    }
    if (response->type.size == 0) {
        response->type = type;
    }
    coh_response_filter(request, response->status);
    response->stage = COH_RESPONSE_BODY;
    choose_framing(request, length);
    coh_response_settle_connection(request);
    coh_connection_set_delay(
        request->connection,
        !coh_response_settings(request->routing.settings)->tcp_nodelay);
    coh_response_write_head(request);
    return 0;
}

/* --- body ----------------------------------------------------------------- */

/* Bytes that may still be given; COH_CHECK: promising less is our mistake. */
static void
count_given(struct coh_response *response, uint64_t size)
{
    COH_CHECK(response->stage == COH_RESPONSE_BODY);
    response->given += size;
    COH_CHECK(
        !response->is_length_known || response->is_head_only ||
        response->given <= response->length);
    if (!response->is_head_only) {
        response->body_sent += size;
    }
}

static size_t
hex_size_line(char *out, size_t value)
{
    static const char digits[] = "0123456789abcdef";
    int shift = 60;
    char *at = out;

    while (shift > 0 && value >> shift == 0) {
        shift -= 4;
    }
    for (; shift >= 0; shift -= 4) {
        *at++ = digits[value >> shift & 15];
    }
    *at++ = '\r';
    *at++ = '\n';
    return (size_t)(at - out);
}

static void
put(struct cohort_request *request, const void *data, size_t size)
{
    request->response.sent += size; /* before some of it may be lost */
    coh_output_memory(request->connection, data, size);
}

void
coh_response_memory(
    struct cohort_request *request, const void *data, size_t size)
{
    struct coh_response *response = &request->response;
    char line[20];

    count_given(response, size);
    if (size == 0 || response->is_head_only) {
        return;
    }
    if (response->is_chunked) {
        put(request, line, hex_size_line(line, size));
    }
    put(request, data, size);
    if (response->is_chunked) {
        put(request, "\r\n", 2);
    }
}

void
coh_response_file(
    struct cohort_request *request, int fd, off_t offset, uint64_t size,
    void (*release)(void *object), void *object)
{
    struct coh_response *response = &request->response;
    const struct coh_response_settings *settings =
        coh_response_settings(request->routing.settings);
    const struct coh_piece range = {
        .is_copied = !settings->sendfile,
        .fd = fd,
        .offset = offset,
        .left = size,
        .turn_max = settings->sendfile_max_chunk == 0
            ? UINT64_MAX
            : settings->sendfile_max_chunk,
        .release = release,
        .object = object};
    char line[20];

    count_given(response, size);
    if (size == 0 || response->is_head_only) {
        if (release != NULL) {
            release(object);
        }
        return;
    }
    if (response->is_chunked) {
        put(request, line, hex_size_line(line, (size_t)size));
    }
    response->sent += size;
    coh_output_file(request->connection, &range);
    if (response->is_chunked) {
        put(request, "\r\n", 2);
    }
}

void
coh_response_lose(struct cohort_request *request, uint64_t size)
{
    struct coh_response *response = &request->response;
    uint64_t body;

    response->sent -= size < response->sent ? size : response->sent;
    body = response->sent > response->head_sent
        ? response->sent - response->head_sent
        : 0;
    if (body < response->body_sent) {
        response->body_sent = body;
    }
}

int
coh_response_end(struct cohort_request *request)
{
    struct coh_response *response = &request->response;

    COH_CHECK(response->stage == COH_RESPONSE_BODY);
    response->stage = COH_RESPONSE_ENDED;
    if (response->is_head_only) {
        return COHORT_DONE;
    }
    if (response->is_chunked) {
        put(request, "0\r\n\r\n", 5);
    } else if (
        response->is_length_known && response->given < response->length) {
        request->keep_alive = false; /* the client waits for the rest */
        response->is_closing = true;
    }
    return COHORT_DONE;
}

int
coh_response_abort(struct cohort_request *request)
{
    struct coh_response *response = &request->response;
    struct coh_connection *connection = request->connection;

    connection->is_cut = true;
    connection->must_reset = response->stage == COH_RESPONSE_BODY &&
        !response->is_chunked && !response->is_length_known;
    response->stage = COH_RESPONSE_ENDED;
    response->is_closing = true;
    request->keep_alive = false;
    return COHORT_DONE;
}

/* --- whole responses ------------------------------------------------------ */

int
coh_response_check(struct cohort_request *request, int status)
{
    if (request->response.stage != COH_RESPONSE_NONE) {
        return 500; /* the head is out: the response will be cut */
    }
    if (!coh_status_is_final(status)) {
        cohort_error(
            cohort_request_log(request),
            "a handler answers with %d, which is not a response's status",
            status);
        return 500;
    }
    return 0;
}

static int
respond(
    struct cohort_request *request, int status, struct cohort_str type,
    const void *data, size_t size)
{
    int refusal = coh_response_check(request, status);

    if (refusal != 0) {
        return refusal;
    }
    refusal = coh_response_begin(request, status, type, (int64_t)size);
    if (refusal != 0) {
        return refusal;
    }
    coh_response_memory(request, data, size);
    return coh_response_end(request);
}

struct cohort_str
coh_response_own_type(struct cohort_request *request, const char *type)
{
    if (type == NULL) {
        return coh_response_settings(request->routing.settings)->default_type;
    }
    return coh_arena_str(coh_request_arena(request), cohort_str(type));
}

int
cohort_respond(
    struct cohort_request *request, int status, const char *type,
    const void *data, size_t size)
{
    return respond(
        request, status, coh_response_own_type(request, type), data, size);
}

int
cohort_respond_text(
    struct cohort_request *request, int status, const char *text)
{
    return respond(request, status, COH_STR("text/plain"), text, strlen(text));
}
