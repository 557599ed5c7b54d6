/* Bodies: small ones, read whole, then parsed. */
#include "server/admin/body.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "server/admin/reply.h"

#define BODY_MAX (64 * 1024)

struct reading {
    struct coh_admin *admin;
    int (*on_body)(
        struct coh_admin *admin, struct cohort_request *request,
        const struct coh_json *body, uint64_t user);
    uint64_t user;
    size_t size;
    char data[BODY_MAX];
};

static int
refuse_json(struct cohort_request *request, const struct coh_json_error *error)
{
    struct coh_json *object = coh_json_object();
    char text[160] = "the body is no JSON: it ";

    strncat(text, error->reason, sizeof(text) - strlen(text) - 1);
    object = coh_set_text(object, "error", text);
    object = coh_set_number(object, "line", error->line);
    object = coh_set_number(object, "column", error->column);
    object = coh_set_number(object, "offset", error->offset);
    return coh_reply_json(request, 400, object);
}

static int
use_body(struct cohort_request *request, struct reading *reading)
{
    struct coh_json_error error = {.reason = "cannot be held"};
    struct coh_json *body = NULL;
    int verdict;

    if (reading->size > 0 &&
        coh_json_parse(
            cohort_str_n(reading->data, reading->size), BODY_MAX, &body,
            &error) < 0) {
        return refuse_json(request, &error);
    }
    if (body && coh_json_kind(body) != COH_JSON_OBJECT) {
        verdict = coh_reply_error(request, 422, "the body must be an object");
    } else {
        verdict =
            reading->on_body(reading->admin, request, body, reading->user);
    }
    coh_json_free(body);
    return verdict;
}

static int
on_data(
    struct cohort_request *request, const void *data, size_t size, void *user)
{
    struct reading *reading = user;

    if (size == 0) {
        return use_body(request, reading);
    }
    if (size > sizeof(reading->data) - reading->size) {
        return 413;
    }
    memcpy(reading->data + reading->size, data, size);
    reading->size += size;
    return COHORT_LATER;
}

int
coh_body_read(
    struct coh_admin *admin, struct cohort_request *request,
    int (*on_body)(
        struct coh_admin *admin, struct cohort_request *request,
        const struct coh_json *body, uint64_t user),
    uint64_t user)
{
    struct reading *reading;

    if (cohort_request_content_length(request) == 0) {
        return on_body(admin, request, NULL, user);
    }
    reading = cohort_request_alloc(request, sizeof(*reading));
    reading->admin = admin;
    reading->on_body = on_body;
    reading->user = user;
    return cohort_body_read(request, on_data, reading);
}

int
coh_body_number(
    struct cohort_request *request, const struct coh_json *body,
    const char *name, int64_t min, int64_t max, int64_t fallback,
    int64_t *number, int *verdict)
{
    int result =
        coh_json_get_integer(coh_json_member(body, name), min, max, number);

    if (result == -ENOENT && fallback >= 0) {
        *number = fallback;
        return 0;
    }
    if (result < 0) {
        *verdict = coh_reply_error(
            request, 422,
            "\"%s\" must be a number from %" PRId64 " to %" PRId64, name, min,
            max);
    }
    return result;
}
