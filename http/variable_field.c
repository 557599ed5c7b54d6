/* Variables of a request's header fields: $http_, $cookie_, $remote_user. */
#include "http/variable.h"

#include <strings.h>

#include "core/str.h"
#include "http/remote_user.h"
#include "http/request.h"

/* Values of a repeated field are joined; in cookies by "; ". */
static bool
get_field(
    struct cohort_request *request, struct cohort_str wanted,
    struct cohort_str *value)
{
    struct coh_variable_list list = {.text = COH_STR("")};
    uint32_t i;

    for (i = 0; i < request->header_count; i++) {
        const struct coh_header *header = &request->headers[i];

        if (coh_variable_is_field(
                coh_request_header_name(request, header), wanted)) {
            coh_variable_list_add(
                &list, request,
                header->id == COH_HEADER_COOKIE ? COH_STR("; ") : COH_STR(", "),
                coh_request_header_value(request, header));
        }
    }
    *value = list.text;
    return list.has_value;
}

/* In one Cookie field. */
static bool
find_cookie(
    struct cohort_str cookies, struct cohort_str name, struct cohort_str *value)
{
    struct cohort_str left = cookies;

    while (left.size > 0) {
        ssize_t end = coh_str_index(left, ';');
        struct cohort_str cookie =
            coh_str_trim(end < 0 ? left : coh_str_cut(left, 0, (size_t)end));

        if (cookie.size > name.size && cookie.data[name.size] == '=' &&
            strncasecmp(cookie.data, name.data, name.size) == 0) {
            *value = coh_str_from(cookie, name.size + 1);
            return true;
        }
        left = end < 0 ? COH_STR("") : coh_str_from(left, (size_t)end + 1);
    }
    return false;
}

static bool
get_cookie(
    struct cohort_request *request, struct cohort_str name,
    struct cohort_str *value)
{
    uint32_t i;

    if (name.size == 0 || !coh_request_has(request, COH_HEADER_COOKIE)) {
        return false;
    }
    for (i = 0; i < request->header_count; i++) {
        const struct coh_header *header = &request->headers[i];

        if (header->id == COH_HEADER_COOKIE &&
            find_cookie(
                coh_request_header_value(request, header), name, value)) {
            return true;
        }
    }
    return false;
}

static bool
get_known(
    struct cohort_request *request, enum coh_header_id id,
    struct cohort_str *value)
{
    *value = coh_request_value(request, id);
    return coh_request_has(request, id);
}

static bool
get_content_length(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    (void)rest;
    return get_known(request, COH_HEADER_CONTENT_LENGTH, value);
}

static bool
get_content_type(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    (void)rest;
    return get_known(request, COH_HEADER_CONTENT_TYPE, value);
}

static bool
get_remote_user(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    (void)rest;
    return coh_remote_user(request, value);
}

const struct cohort_variable coh_variables_of_field[] = {
    {"http_", get_field, true},
    {"cookie_", get_cookie, true},
    {"content_length", get_content_length, true},
    {"content_type", get_content_type, true},
    {"remote_user", get_remote_user, false},
    {NULL, NULL, false},
};
