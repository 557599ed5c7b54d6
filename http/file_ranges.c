/* Answers with parts of a file: one, or several between boundaries. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/str.h"
#include "http/file_cache.h"
#include "http/file_serving.h"
#include "http/range.h"
#include "http/request.h"
#include "http/settings.h"

/* "bytes 0-99/1000"; its size. */
static size_t
format_content_range(
    char *out, size_t room, const struct coh_range *range, uint64_t length)
{
    int size = snprintf(
        out, room, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, range->first,
        range->first + range->size - 1, length);

    return (size_t)size;
}

static int
respond_part(
    const struct coh_file_serving *serving, const struct coh_range *range)
{
    char text[80];
    size_t size =
        format_content_range(text, sizeof(text), range, serving->file->size);
    int result;

    if (coh_file_add_field(
            serving->request, COH_STR("Content-Range"),
            cohort_str_n(text, size)) < 0) {
        return 500;
    }
    result = coh_file_begin(serving, 206, serving->type, range->size);
    if (result != 0) {
        return result;
    }
    coh_file_give(serving, range->first, range->size);
    return coh_response_end(serving->request);
}

/* The head of one part among several; its size. The first line break of the
   first one belongs to no part, which is allowed. */
static size_t
format_part_head(
    const struct coh_file_serving *serving, const char *boundary,
    const struct coh_range *range, char *out, size_t room)
{
    char text[80];
    int size;

    format_content_range(text, sizeof(text), range, serving->file->size);
    size = snprintf(
        out, room,
        "\r\n--%s\r\nContent-Type: %.*s\r\nContent-Range: %s\r\n\r\n", boundary,
        (int)serving->type.size, serving->type.data, text);
    return (size_t)size;
}

static int
respond_parts(
    const struct coh_file_serving *serving, const struct coh_range *ranges,
    size_t count)
{
    struct cohort_request *request = serving->request;
    size_t room = serving->type.size + 256;
    char *head = cohort_request_alloc(request, room);
    char boundary[21];
    char type[64];
    uint64_t length;
    size_t i;
    int result;

    snprintf(
        boundary, sizeof(boundary), "%020" PRIu64, request->connection->number);
    snprintf(type, sizeof(type), "multipart/byteranges; boundary=%s", boundary);
    length = strlen(boundary) + 8;
    for (i = 0; i < count; i++) {
        length += ranges[i].size +
            format_part_head(serving, boundary, &ranges[i], head, room);
    }
    result = coh_file_begin(
        serving, 206,
        coh_arena_str(coh_request_arena(request), cohort_str(type)), length);
    if (result != 0) {
        return result;
    }
    for (i = 0; i < count; i++) {
        coh_response_memory(
            request, head,
            format_part_head(serving, boundary, &ranges[i], head, room));
        coh_file_give(serving, ranges[i].first, ranges[i].size);
    }
    snprintf(head, room, "\r\n--%s--\r\n", boundary);
    coh_response_memory(request, head, strlen(head));
    return coh_response_end(request);
}

static int
respond_unsatisfiable(const struct coh_file_serving *serving)
{
    char text[40];
    int size =
        snprintf(text, sizeof(text), "bytes */%" PRIu64, serving->file->size);

    (void)coh_file_add_field(
        serving->request, COH_STR("Content-Range"),
        cohort_str_n(text, (size_t)size));
    return 416;
}

bool
coh_file_wants_ranges(const struct coh_file_serving *serving)
{
    const struct cohort_request *request = serving->request;

    return coh_request_has(request, COH_HEADER_RANGE) &&
        serving->settings->max_ranges > 0 &&
        (!coh_request_has(request, COH_HEADER_IF_RANGE) ||
         coh_if_range_allows(
             coh_request_value(request, COH_HEADER_IF_RANGE),
             &serving->validators));
}

int
coh_file_respond_ranges(const struct coh_file_serving *serving)
{
    struct cohort_str value =
        coh_request_value(serving->request, COH_HEADER_RANGE);
    size_t room = coh_range_count_max(value);
    struct coh_range *ranges;
    size_t count;

    if (room > serving->settings->max_ranges) {
        room = (size_t)serving->settings->max_ranges + 1;
    }
    ranges = cohort_request_alloc(serving->request, room * sizeof(*ranges));
    switch (coh_range_read(
        value, serving->file->size, serving->settings->max_ranges, ranges,
        &count)) {
    case 416:
        return respond_unsatisfiable(serving);
    case 206:
        return count == 1 ? respond_part(serving, ranges)
                          : respond_parts(serving, ranges, count);
    default:
        return coh_file_respond_whole(serving);
    }
}
