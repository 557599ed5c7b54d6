/* Bodies: small ones, read whole, then parsed. */
#include "server/admin/body.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/admin/reply.h"

#define BODY_MAX (64 * 1024)

/* Who gets the body: one of them. */
struct taker {
    const char *const *known; /* of on_value; NULL: none */
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

/* --- members -------------------------------------------------------------- */

struct looking {
    const char *const *known;
    struct cohort_request *request;
    int verdict;
};

/* ", but ...": there are few. "" for none. */
static void
list_known(const char *const *known, char *out, size_t room)
{
    out[0] = '\0';
    for (size_t i = 0; known[i]; i++) {
        size_t size = strlen(out);

        snprintf(
            out + size, room - size, "%s\"%s\"", i > 0 ? ", " : ", but ",
            known[i]);
    }
}

static int
look_at_member(const char *name, const struct coh_json *value, void *user)
{
    static const char *const none[] = {NULL};
    struct looking *looking = user;
    const char *const *known = looking->known ? looking->known : none;
    char text[128];

    (void)value;
    for (size_t i = 0; known[i]; i++) {
        if (strcmp(known[i], name) == 0) {
            return 0;
        }
    }
    list_known(known, text, sizeof(text));
    looking->verdict = coh_reply_error(
        looking->request, 422, "no member \"%.64s\" is known here%s", name,
        text);
    return -EINVAL;
}

static int
use_value(
    struct coh_admin *admin, struct cohort_request *request,
    const struct taker *taker, struct cohort_str text)
{
    struct coh_json_error error = {.reason = "cannot be held"};
    struct coh_json *body = NULL;
    struct looking looking = {.known = taker->known, .request = request};
    int verdict;

    if (text.size > 0 && coh_json_parse(text, text.size, &body, &error) < 0) {
        return refuse_json(request, &error);
    }
    if (body && coh_json_kind(body) != COH_JSON_OBJECT) {
        verdict = coh_reply_error(request, 422, "the body must be an object");
    } else if (coh_json_walk(body, look_at_member, &looking) < 0) {
        verdict = looking.verdict;
    } else {
        verdict = taker->on_value(admin, request, body, taker->user);
    }
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
    const char *const *known,
    int (*on_body)(
        struct coh_admin *admin, struct cohort_request *request,
        const struct coh_json *body, uint64_t user),
    uint64_t user)
{
    const struct taker taker = {
        .known = known, .on_value = on_body, .user = user};

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
