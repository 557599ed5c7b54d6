/* Answers with a file: the whole, or nothing because the client has it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <cohort/module/file.h>

#include "core/clock.h"
#include "core/str.h"
#include "http/file_cache.h"
#include "http/file_links.h"
#include "http/file_open.h"
#include "http/file_serving.h"
#include "http/location.h"
#include "http/plan.h"
#include "http/product.h"
#include "http/registry.h"
#include "http/rendered.h"
#include "http/request.h"
#include "http/settings.h"
#include "http/types.h"
#include "http/virtual_server.h"

#define FIELD_COUNT 3

/* --- what is said about it ------------------------------------------------ */

static void
prepare(struct coh_file_serving *serving, struct cohort_str name)
{
    const struct coh_file *file = serving->file;

    serving->type = coh_types_find(
        serving->settings->types, name, serving->settings->default_type);
    serving->validators.modified = file->mtime.tv_sec;
    serving->validators.etag = COH_STR("");
    coh_http_date_format(serving->date_text, file->mtime.tv_sec);
    if (serving->settings->etag) {
        int size = snprintf(
            serving->etag_text, sizeof(serving->etag_text),
            "\"%" PRIx64 "-%" PRIx64 "\"", (uint64_t)file->mtime.tv_sec,
            file->size);

        serving->validators.etag =
            cohort_str_n(serving->etag_text, (size_t)size);
    }
}

/* Fields of a file, at out; how many. Only a whole one says that it has
   parts. */
static size_t
list_fields(
    const struct coh_file_serving *serving, bool has_ranges,
    struct coh_field out[FIELD_COUNT])
{
    size_t count = 0;

    out[count++] = (struct coh_field){
        .name = COH_STR("Last-Modified"),
        .value = cohort_str_n(serving->date_text, COH_HTTP_DATE_SIZE),
    };
    if (serving->validators.etag.size > 0) {
        out[count++] = (struct coh_field){
            .name = COH_STR("ETag"),
            .value = serving->validators.etag,
        };
    }
    if (has_ranges && serving->settings->max_ranges > 0) {
        out[count++] = (struct coh_field){
            .name = COH_STR("Accept-Ranges"),
            .value = COH_STR("bytes"),
        };
    }
    return count;
}

int
coh_file_add_field(
    struct cohort_request *request, struct cohort_str name,
    struct cohort_str value)
{
    return coh_response_add(
        request, name, coh_arena_str(coh_request_arena(request), value));
}

int
coh_file_begin(
    const struct coh_file_serving *serving, int status, struct cohort_str type,
    uint64_t length)
{
    struct coh_field fields[FIELD_COUNT];
    size_t count = list_fields(serving, status == 200, fields);
    size_t i;

    for (i = 0; i < count; i++) {
        if (coh_file_add_field(
                serving->request, fields[i].name, fields[i].value) < 0) {
            return 500;
        }
    }
    return coh_response_begin(serving->request, status, type, (int64_t)length);
}

/* --- the body ------------------------------------------------------------- */

void
coh_file_give(
    const struct coh_file_serving *serving, uint64_t first, uint64_t size)
{
    struct coh_file *file = serving->file;

    if (file->bytes) {
        coh_response_memory(
            serving->request, file->bytes + first, (size_t)size);
        return;
    }
    coh_file_hold(file);
    coh_response_file(
        serving->request, file->fd, (off_t)first, size, coh_file_release, file);
}

int
coh_file_respond_whole(const struct coh_file_serving *serving)
{
    int result =
        coh_file_begin(serving, 200, serving->type, serving->file->size);

    if (result != 0) {
        return result;
    }
    coh_file_give(serving, 0, serving->file->size);
    return coh_response_end(serving->request);
}

/* --- the whole of a small file, rendered once ----------------------------- */

static void
render(const struct coh_file_serving *serving)
{
    struct coh_file *file = serving->file;
    const struct coh_location *location = serving->request->routing.location;
    const struct coh_client_settings *client =
        coh_client_settings(location->settings);
    struct coh_arena *arena = coh_arena_new(2 * (size_t)file->size + 2048);
    struct coh_field *fields = coh_arena_alloc(
        arena, (FIELD_COUNT + location->plan->field_count) * sizeof(*fields));
    struct coh_rendered_parts parts = {
        .status = 200,
        .server = coh_product(serving->settings->server_tokens),
        .type = serving->type,
        .fields = fields,
        .field_count = list_fields(serving, true, fields),
        .body = cohort_str_n(file->bytes, (size_t)file->size),
        .keepalive_header_s = client->keepalive_header_s,
        .is_closing_always = client->keepalive_timeout_ms == 0,
    };

    for (uint16_t i = 0; i < location->plan->field_count; i++) {
        fields[parts.field_count++] = location->plan->fields[i];
    }
    coh_arena_free(file->rendered_in);
    file->rendered_in = arena;
    file->rendered = coh_rendered_new(arena, &parts);
    file->rendered_for = location;
}

static bool
is_plain(const struct coh_file_serving *serving)
{
    static const uint64_t conditions = (UINT64_C(1) << COH_HEADER_IF_MATCH) |
        (UINT64_C(1) << COH_HEADER_IF_MODIFIED_SINCE) |
        (UINT64_C(1) << COH_HEADER_IF_NONE_MATCH) |
        (UINT64_C(1) << COH_HEADER_IF_RANGE) |
        (UINT64_C(1) << COH_HEADER_IF_UNMODIFIED_SINCE) |
        (UINT64_C(1) << COH_HEADER_RANGE);

    return (serving->request->seen & conditions) == 0;
}

static bool
can_be_rendered(const struct coh_file_serving *serving)
{
    const struct cohort_request *request = serving->request;

    return serving->file->bytes && request->routing.error_status == 0 &&
        request->response.field_count == 0 &&
        request->response.type.size == 0 &&
        request->routing.location->plan->are_fields_constant;
}

/* --- conditions ----------------------------------------------------------- */

static struct cohort_str
condition(const struct cohort_request *request, enum coh_header_id id)
{
    return coh_request_has(request, id) ? coh_request_value(request, id)
                                        : cohort_str_n(NULL, 0);
}

static int
check_conditions(const struct coh_file_serving *serving)
{
    const struct cohort_request *request = serving->request;
    struct coh_conditions conditions = {
        .if_match = condition(request, COH_HEADER_IF_MATCH),
        .if_unmodified_since =
            condition(request, COH_HEADER_IF_UNMODIFIED_SINCE),
        .if_none_match = condition(request, COH_HEADER_IF_NONE_MATCH),
        .if_modified_since = condition(request, COH_HEADER_IF_MODIFIED_SINCE),
        .modified_since = serving->settings->if_modified_since,
    };

    return coh_conditional_status(&conditions, &serving->validators);
}

static int
respond_not_modified(const struct coh_file_serving *serving)
{
    int result = coh_file_begin(serving, 304, COH_STR(""), 0);

    return result == 0 ? coh_response_end(serving->request) : result;
}

static int
respond(struct coh_file_serving *serving, struct cohort_str name)
{
    struct cohort_request *request = serving->request;
    bool is_rendered = is_plain(serving) && can_be_rendered(serving);

    if (is_rendered &&
        serving->file->rendered_for == request->routing.location) {
        return coh_respond_rendered(request, serving->file->rendered);
    }
    prepare(serving, name);
    if (is_rendered) {
        render(serving);
        return coh_respond_rendered(request, serving->file->rendered);
    }
    if (is_plain(serving) || request->routing.error_status != 0) {
        return coh_file_respond_whole(serving);
    }
    switch (check_conditions(serving)) {
    case 304:
        return respond_not_modified(serving);
    case 412:
        return 412;
    default:
        return coh_file_wants_ranges(serving) ? coh_file_respond_ranges(serving)
                                              : coh_file_respond_whole(serving);
    }
}

/* --- for modules ---------------------------------------------------------- */

static int
open_file(
    struct cohort_request *request, struct cohort_str name,
    struct coh_file **file)
{
    struct coh_file_cache *cache = request->routing.server->block->file_cache;
    struct coh_file_way way;
    int result = coh_file_way(request, name, &way);

    return result < 0 ? result : coh_file_cache_open(cache, &way, file);
}

int
cohort_respond_file(
    struct cohort_request *request, struct cohort_str name, int *verdict)
{
    struct coh_file_serving serving = {
        .request = request,
        .settings = coh_response_settings(request->routing.settings),
    };
    int result = open_file(request, name, &serving.file);

    if (result < 0) {
        return result;
    }
    *verdict = respond(&serving, name);
    coh_file_release(serving.file);
    return 0;
}

int
cohort_file_kind(struct cohort_request *request, struct cohort_str name)
{
    struct coh_file *file;
    int result = open_file(request, name, &file);

    if (result == 0) {
        coh_file_release(file);
        return COHORT_FILE_REGULAR;
    }
    if (result == -EISDIR) {
        return COHORT_FILE_DIRECTORY;
    }
    return result == -EINVAL ? COHORT_FILE_OTHER : result;
}
