/* A response whose body is asked for piece by piece. */
#include "http/response_stream.h"

#include <errno.h>

#include "core/str.h"
#include "http/output.h"

/* What a producer may give when it is asked. */
#define ROOM 32768

static size_t
room_of(const struct coh_response *response)
{
    uint64_t left = response->length - response->given;

    return response->is_length_known && left < ROOM ? (size_t)left : ROOM;
}

static bool
is_complete(const struct coh_response *response)
{
    return response->is_length_known && response->given == response->length;
}

/* Ask once. */
static void
ask(struct cohort_request *request)
{
    struct coh_response *response = &request->response;
    uint64_t before = response->given;
    int verdict;

    response->room = room_of(response);
    response->is_pumping = true;
    verdict = response->on_writable(request, response->room, response->user);
    response->is_pumping = false;
    if (response->stage != COH_RESPONSE_BODY) {
        return; /* the producer has aborted it */
    }
    if (verdict == COHORT_DONE ||
        (verdict == COHORT_LATER && is_complete(response))) {
        coh_response_end(request);
    } else if (verdict != COHORT_LATER) {
        coh_response_abort(request);
    } else {
        response->is_starved = response->given == before;
    }
}

enum coh_outcome
coh_response_pump(struct cohort_request *request)
{
    struct coh_connection *connection = request->connection;
    struct coh_response *response = &request->response;

    while (response->stage == COH_RESPONSE_BODY) {
        /* Output is dropped then, and neither waits nor ends a turn. */
        if (connection->is_broken) {
            return COH_SERVE_CLOSE;
        }
        if (response->on_writable == NULL || response->is_starved) {
            return COH_SERVE_RESUME;
        }
        if (coh_output_must_wait(connection)) {
            return COH_SERVE_OUTPUT;
        }
        ask(request);
        coh_output_flush_full(connection);
    }
    return COH_SERVE_NEXT;
}

void
coh_response_resume(struct cohort_request *request, int verdict)
{
    if (request->response.stage != COH_RESPONSE_BODY) {
        return;
    }
    request->response.is_starved = false;
    /* DONE is what cohort_respond_stream() has returned just before. */
    if (verdict != COHORT_PASS && verdict != COHORT_DONE) {
        coh_response_abort(request);
    }
}

int
cohort_respond_stream(
    struct cohort_request *request, int status, const char *type,
    int64_t length,
    int (*on_writable)(struct cohort_request *request, size_t room, void *user),
    void *user)
{
    int refusal = coh_response_check(request, status);

    if (refusal != 0) {
        return refusal;
    }
    refusal = coh_response_begin(
        request, status, coh_response_own_type(request, type), length);
    if (refusal != 0) {
        return refusal;
    }
    request->response.on_writable = on_writable;
    request->response.user = user;
    if (request->response.is_head_only || length == 0) {
        return coh_response_end(request);
    }
    return COHORT_DONE;
}

int
cohort_write(struct cohort_request *request, const void *data, size_t size)
{
    struct coh_response *response = &request->response;

    if (!response->is_pumping || size > response->room) {
        return -EMSGSIZE;
    }
    response->room -= size;
    coh_response_memory(request, data, size);
    return 0;
}
