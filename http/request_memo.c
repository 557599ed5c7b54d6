/* The meaning of the last head. */
#include "http/request_memo.h"

#include "http/request.h"
#include "http/scratch.h"
#include "http/service.h"

static struct cohort_str
text_of(const struct cohort_request *request, struct coh_head_span span)
{
    return cohort_str_n(request->head + span.at, span.size);
}

bool
coh_request_recall(struct cohort_request *request)
{
    const struct coh_request_memo *memo =
        &request->connection->http->scratch->request;

    if (request->head_number == 0 ||
        memo->head_number != request->head_number ||
        memo->address != request->connection->address) {
        return false;
    }
    request->target = text_of(request, memo->target);
    request->uri = text_of(request, memo->uri);
    request->args = text_of(request, memo->args);
    request->host = text_of(request, memo->host);
    request->port = memo->port;
    request->keep_alive = memo->keep_alive;
    request->routing.server = memo->server;
    return true;
}

/* False: it isn't in the head. */
static bool
find_span(
    const struct cohort_request *request, struct cohort_str text,
    struct coh_head_span *span)
{
    const uintptr_t at = (uintptr_t)text.data - (uintptr_t)request->head;

    if (text.size == 0) {
        *span = (struct coh_head_span){.size = 0};
        return true;
    }
    *span = (struct coh_head_span){(uint32_t)at, (uint32_t)text.size};
    return at < request->head_size && text.size <= request->head_size - at;
}

void
coh_request_remember(const struct cohort_request *request)
{
    struct coh_request_memo *memo =
        &request->connection->http->scratch->request;

    memo->head_number = 0;
    if (request->head_number == 0 ||
        !find_span(request, request->target, &memo->target) ||
        !find_span(request, request->uri, &memo->uri) ||
        !find_span(request, request->args, &memo->args) ||
        !find_span(request, request->host, &memo->host)) {
        return;
    }
    memo->head_number = request->head_number;
    memo->address = request->connection->address;
    memo->server = request->routing.server;
    memo->port = request->port;
    memo->keep_alive = request->keep_alive;
}
