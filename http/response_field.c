/* The fields of a response to come. */
#include "http/response.h"

#include <errno.h>
#include <string.h>

#include "core/str.h"
#include "http/request.h"

#define FIELDS_MAX 100
#define FIELD_SIZE_MAX 32768

struct coh_field *
coh_response_find(const struct cohort_request *request, struct cohort_str name)
{
    const struct coh_response *response = &request->response;

    for (uint16_t i = 0; i < response->field_count; i++) {
        struct coh_field *field = &response->fields[i];

        if (!field->is_removed && coh_str_equal_nocase(field->name, name)) {
            return field;
        }
    }
    return NULL;
}

void
coh_response_remove(struct cohort_request *request, struct cohort_str name)
{
    struct coh_field *field;

    while ((field = coh_response_find(request, name)) != NULL) {
        field->is_removed = true;
    }
}

/* Room for one more field: twice as many as before, from four. */
static void
grow_fields(struct cohort_request *request)
{
    struct coh_response *response = &request->response;
    size_t room = response->field_room == 0 ? 4 : response->field_room * 2u;
    struct coh_field *fields =
        coh_arena_alloc(coh_request_arena(request), room * sizeof(*fields));

    if (response->field_count > 0) {
        memcpy(
            fields, response->fields, response->field_count * sizeof(*fields));
    }
    response->fields = fields;
    response->field_room = (uint16_t)room;
}

int
coh_response_add(
    struct cohort_request *request, struct cohort_str name,
    struct cohort_str value)
{
    struct coh_response *response = &request->response;

    if (response->field_count == FIELDS_MAX) {
        return -E2BIG;
    }
    if (response->field_count == response->field_room) {
        grow_fields(request);
    }
    response->fields[response->field_count] =
        (struct coh_field){.name = name, .value = value};
    response->field_count++;
    return 0;
}

void
coh_response_keep_fields(struct cohort_request *request)
{
    struct coh_response *response = &request->response;
    struct coh_arena *arena;

    if (response->field_count <= response->field_room) {
        return; /* they are the request's own */
    }
    arena = coh_request_arena(request);
    response->fields = coh_arena_copy(
        arena, response->fields,
        response->field_count * sizeof(response->fields[0]));
    response->field_room = response->field_count;
    for (uint16_t i = 0; i < response->field_count; i++) {
        struct coh_field *field = &response->fields[i];

        field->name = coh_arena_str(arena, field->name);
        field->value = coh_arena_str(arena, field->value);
    }
}

static bool
is_our_own(struct cohort_str name)
{
    static const char *const names[] = {"connection", "content-length",
                                        "date",       "keep-alive",
                                        "server",     "transfer-encoding"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (coh_str_is_nocase(name, names[i])) {
            return true;
        }
    }
    return false;
}

/* Nothing that ends a line; other bytes are the module's business. */
static bool
is_value(struct cohort_str value)
{
    for (size_t i = 0; i < value.size; i++) {
        char c = value.data[i];

        if (c == '\r' || c == '\n' || c == '\0') {
            return false;
        }
    }
    return true;
}

int
cohort_response_header(
    struct cohort_request *request, struct cohort_str name,
    struct cohort_str value)
{
    struct coh_arena *arena;

    if (request->response.stage != COH_RESPONSE_NONE) {
        return -EALREADY;
    }
    if (!coh_header_is_token(name) || !is_value(value)) {
        return -EINVAL;
    }
    if (is_our_own(name)) {
        return -EPERM;
    }
    if (name.size > FIELD_SIZE_MAX || value.size > FIELD_SIZE_MAX) {
        return -E2BIG;
    }
    arena = coh_request_arena(request);
    if (coh_str_is_nocase(name, "content-type")) {
        request->response.type = coh_arena_str(arena, value);
        return 0;
    }
    return coh_response_add(
        request, coh_arena_str(arena, name), coh_arena_str(arena, value));
}
