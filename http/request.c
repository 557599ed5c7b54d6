/* One request: its memory, its life, and what is asked of its head. */
#include "http/request.h"

#include <string.h>

#include "core/check.h"
#include "core/str.h"
#include "http/service.h"
#include "http/settings.h"

/* What a request usually needs: values of a few variables, a few fields of the
   response. */
#define ARENA_BLOCK_SIZE 4096

/* --- memory --------------------------------------------------------------- */

struct coh_arena *
coh_request_arena(struct cohort_request *request)
{
    struct coh_http *http = request->connection->http;

    if (request->arena == NULL) {
        request->arena = http->spare_arena_count > 0
            ? http->spare_arenas[--http->spare_arena_count]
            : coh_arena_new(ARENA_BLOCK_SIZE);
    }
    return request->arena;
}

/* Deferred calls run here, the last made first. */
static void
give_back_arena(struct coh_http *http, struct coh_arena *arena)
{
    if (http->spare_arena_count == COH_SPARE_ARENA_COUNT) {
        coh_arena_free(arena);
        return;
    }
    coh_arena_reset(arena);
    http->spare_arenas[http->spare_arena_count++] = arena;
}

struct cohort_request *
coh_request_new(struct coh_connection *connection)
{
    struct coh_http *http = connection->http;
    struct cohort_request *request = coh_pool_take(&http->request_pool);

    if (request == NULL) {
        coh_die_memory(sizeof(*request));
    }
    /* A size that the compiler doesn't know: the library's memset is better
       than what would be made of a known one. */
    memset(request, 0, http->request_pool.item_size);
    request->connection = connection;
    request->started_ms = coh_loop_now_ms(http->loop);
    connection->request = request;
    return request;
}

void
coh_request_free(struct cohort_request *request)
{
    struct coh_connection *connection = request->connection;
    struct coh_http *http = connection->http;

    if (request->arena != NULL) {
        give_back_arena(http, request->arena);
    }
    if (request->is_resumed) { /* perhaps by a deferred call */
        coh_request_unqueue(request);
    }
    connection->request = NULL;
    coh_pool_give(&http->request_pool, request);
}

/* --- keeping the head ----------------------------------------------------- */

/* Memory that moves. */
struct move {
    const char *from;
    size_t size;
    const char *to;
};

static void
move_str(struct cohort_str *str, const struct move *move)
{
    if (str->data >= move->from && str->data <= move->from + move->size) {
        str->data = move->to + (str->data - move->from);
    }
}

void
coh_request_keep(struct cohort_request *request)
{
    struct move move = {request->head, request->head_size, NULL};
    struct coh_arena *arena = coh_request_arena(request);

    coh_response_keep_fields(request);
    if (request->is_kept) {
        return;
    }
    request->is_kept = true;
    if (request->head == NULL) {
        return;
    }
    move.to = coh_arena_copy(arena, request->head, request->head_size);
    request->head = move.to;
    request->headers = coh_arena_copy(
        arena, request->headers,
        request->header_count * sizeof(request->headers[0]));
    move_str(&request->line, &move);
    move_str(&request->method_text, &move);
    move_str(&request->target, &move);
    move_str(&request->uri, &move);
    move_str(&request->args, &move);
    move_str(&request->host, &move);
    move_str(&request->response.type, &move);
}

/* --- changes -------------------------------------------------------------- */

void
coh_request_set_uri(struct cohort_request *request, struct cohort_str uri)
{
    request->uri = coh_arena_str(coh_request_arena(request), uri);
}

void
coh_request_set_args(struct cohort_request *request, struct cohort_str args)
{
    request->args = coh_arena_str(coh_request_arena(request), args);
}

int
coh_request_check_body(const struct cohort_request *request)
{
    uint64_t max =
        coh_client_settings(request->routing.settings)->client_max_body_size;

    if (max == 0 || request->content_length <= 0 ||
        (uint64_t)request->content_length <= max) {
        return 0;
    }
    return 413;
}
