/* Variables of a response: its status, its size, its fields. */
#include "http/variable.h"

#include "core/str.h"
#include "http/request.h"
#include "http/service.h"

static bool
get_status(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    unsigned status = (unsigned)request->response.status % 1000;
    char *text = cohort_request_alloc(request, 3);

    (void)rest;
    text[0] = (char)('0' + status / 100);
    text[1] = (char)('0' + status / 10 % 10);
    text[2] = (char)('0' + status % 10);
    *value = cohort_str_n(text, 3);
    return true;
}

static bool
get_bytes_sent(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    (void)rest;
    *value = coh_variable_number(request, request->response.sent);
    return true;
}

static bool
get_body_bytes_sent(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    (void)rest;
    *value = coh_variable_number(request, request->response.body_sent);
    return true;
}

static bool
get_request_time(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    uint64_t now_ms = request->connection->http->loop->clock.now_ms;

    (void)rest;
    *value = coh_variable_seconds(request, now_ms - request->started_ms);
    return true;
}

/* --- $sent_http_ ---------------------------------------------------------- */

static bool
get_added(
    struct cohort_request *request, struct cohort_str wanted,
    struct cohort_str *value)
{
    const struct coh_response *response = &request->response;
    struct coh_variable_list list = {.text = COH_STR("")};
    uint16_t i;

    for (i = 0; i < response->field_count; i++) {
        const struct coh_field *field = &response->fields[i];

        if (!field->is_removed && coh_variable_is_field(field->name, wanted)) {
            coh_variable_list_add(&list, request, COH_STR(", "), field->value);
        }
    }
    *value = list.text;
    return list.has_value;
}

static bool
get_made(
    struct cohort_request *request, struct cohort_str wanted,
    struct cohort_str *value)
{
    const struct coh_response *response = &request->response;

    if (coh_str_is(wanted, "content_type")) {
        *value = response->type;
        return response->type.size > 0;
    }
    if (coh_str_is(wanted, "content_length")) {
        if (!response->is_length_known || response->is_chunked) {
            return false;
        }
        *value = coh_variable_number(request, response->length);
        return true;
    }
    if (coh_str_is(wanted, "transfer_encoding")) {
        *value = COH_STR("chunked");
        return response->is_chunked;
    }
    if (coh_str_is(wanted, "connection")) {
        *value =
            response->is_closing ? COH_STR("close") : COH_STR("keep-alive");
        return true;
    }
    return false;
}

static bool
get_sent(
    struct cohort_request *request, struct cohort_str wanted,
    struct cohort_str *value)
{
    if (request->response.status == 0) {
        return false;
    }
    if (get_added(request, wanted, value) || get_made(request, wanted, value)) {
        return true;
    }
    *value = COH_STR("");
    return false;
}

const struct cohort_variable coh_variables_of_response[] = {
    {"status", get_status, true},
    {"bytes_sent", get_bytes_sent, true},
    {"body_bytes_sent", get_body_bytes_sent, true},
    {"request_time", get_request_time, true},
    {"sent_http_", get_sent, true},
    {NULL, NULL, false},
};
