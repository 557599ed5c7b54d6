/* Bodies: small ones, read whole, then parsed. */
#include "server/admin/body.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "server/admin/reply.h"

#define BODY_MAX (64 * 1024)

/* Who gets the body: one of them. */
struct taker {
    int (*on_value)(
        struct coh_admin *admin, struct cohort_request *request,
        const struct coh_json *body, uint64_t user);
    int (*on_text)(
        struct coh_admin *admin, struct cohort_request *request,
        struct cohort_str text, uint64_t user);
    uint64_t user;
};

struct reading {
    struct coh_admin *admin;
    struct taker taker;
    size_t size;
    size_t max;
    char data[];
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
use_text(
    struct coh_admin *admin, struct cohort_request *request,
    const struct taker *taker, struct cohort_str text)
{
    struct coh_json_error error;
    size_t count;

    return coh_json_text_check(text, &count, &error) < 0
        ? refuse_json(request, &error)
        : taker->on_text(admin, request, text, taker->user);
}

static int
use_value(
    struct coh_admin *admin, struct cohort_request *request,
    const struct taker *taker, struct cohort_str text)
{
    struct coh_json_error error = {.reason = "cannot be held"};
    struct coh_json *body = NULL;
    int verdict;

    if (text.size > 0 && coh_json_parse(text, text.size, &body, &error) < 0) {
        return refuse_json(request, &error);
    }
    verdict = body && coh_json_kind(body) != COH_JSON_OBJECT
        ? coh_reply_error(request, 422, "the body must be an object")
        : taker->on_value(admin, request, body, taker->user);
    coh_json_free(body);
    return verdict;
}

static int
use(struct coh_admin *admin, struct cohort_request *request,
    const struct taker *taker, struct cohort_str text)
{
    return taker->on_text ? use_text(admin, request, taker, text)
                          : use_value(admin, request, taker, text);
}

static int
on_data(
    struct cohort_request *request, const void *data, size_t size, void *user)
{
    struct reading *reading = user;

    if (size == 0) {
        return use(
            reading->admin, request, &reading->taker,
            cohort_str_n(reading->data, reading->size));
    }
    if (size > reading->max - reading->size) {
        return 413;
    }
    memcpy(reading->data + reading->size, data, size);
    reading->size += size;
    return COHORT_LATER;
}

static int
read_body(
    struct coh_admin *admin, struct cohort_request *request, size_t max,
    const struct taker *taker)
{
    struct reading *reading;

    if (cohort_request_content_length(request) == 0) {
        return use(admin, request, taker, cohort_str_n("", 0));
    }
    reading = cohort_request_alloc(request, sizeof(*reading) + max);
    reading->admin = admin;
    reading->taker = *taker;
    reading->max = max;
    return cohort_body_read(request, on_data, reading);
}

int
coh_body_read(
    struct coh_admin *admin, struct cohort_request *request,
    int (*on_body)(
        struct coh_admin *admin, struct cohort_request *request,
        const struct coh_json *body, uint64_t user),
    uint64_t user)
{
    const struct taker taker = {.on_value = on_body, .user = user};

    return read_body(admin, request, BODY_MAX, &taker);
}

int
coh_body_read_text(
    struct coh_admin *admin, struct cohort_request *request, size_t max,
    int (*on_text)(
        struct coh_admin *admin, struct cohort_request *request,
        struct cohort_str text, uint64_t user),
    uint64_t user)
{
    const struct taker taker = {.on_text = on_text, .user = user};

    return read_body(admin, request, max, &taker);
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

int
coh_body_flag(
    struct cohort_request *request, const struct coh_json *body,
    const char *name, bool *flag, int *verdict)
{
    const struct coh_json *member = coh_json_member(body, name);
    int result = member ? coh_json_get_boolean(member, flag) : 0;

    if (result < 0) {
        *verdict =
            coh_reply_error(request, 422, "\"%s\" must be true or false", name);
    }
    return result;
}
