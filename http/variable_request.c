/* Variables of a request's line: its path, its arguments, its method. */
#include "http/variable.h"

#include <strings.h>

#include "core/str.h"
#include "http/request.h"
#include "http/virtual_server.h"

/* Slices of what the request keeps anyway are volatile: there is nothing to
   gain by keeping them twice. */

static bool
get_uri(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    (void)rest;
    *value = request->uri;
    return true;
}

static bool
get_request_uri(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    (void)rest;
    *value = request->target;
    return true;
}

static bool
get_args(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    (void)rest;
    *value = request->args;
    return true;
}

static bool
get_is_args(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    (void)rest;
    *value = request->args.size > 0 ? COH_STR("?") : COH_STR("");
    return true;
}

/* The value of the first argument of that name, as it was sent. */
static bool
get_argument(
    struct cohort_request *request, struct cohort_str name,
    struct cohort_str *value)
{
    struct cohort_str left = request->args;

    while (name.size > 0 && left.size > 0) {
        ssize_t end = coh_str_index(left, '&');
        struct cohort_str argument =
            end < 0 ? left : coh_str_cut(left, 0, (size_t)end);

        if (argument.size > name.size && argument.data[name.size] == '=' &&
            strncasecmp(argument.data, name.data, name.size) == 0) {
            *value = coh_str_from(argument, name.size + 1);
            return true;
        }
        left = end < 0 ? COH_STR("") : coh_str_from(left, (size_t)end + 1);
    }
    return false;
}

static bool
get_line(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    (void)rest;
    *value = request->line;
    return true;
}

static bool
get_method(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    (void)rest;
    *value = request->method_text;
    return true;
}

static bool
get_protocol(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    (void)rest;
    *value = COH_STR("");
    if (request->is_head_read) {
        *value =
            request->version == 10 ? COH_STR("HTTP/1.0") : COH_STR("HTTP/1.1");
    }
    return true;
}

static bool
get_scheme(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    (void)request;
    (void)rest;
    *value = COH_STR("http");
    return true;
}

/* "on" over TLS, which is not there yet. */
static bool
get_https(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    (void)request;
    (void)rest;
    (void)value;
    return false;
}

/* The request's, else the server's name. */
static bool
get_host(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    (void)rest;
    *value =
        request->host.size > 0 ? request->host : request->routing.server->name;
    return true;
}

static bool
get_length(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    (void)rest;
    *value = coh_variable_number(request, request->request_size);
    return true;
}

static bool
get_request_port(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    (void)rest;
    if (request->port == 0) {
        return false;
    }
    *value = coh_variable_number(request, request->port);
    return true;
}

static bool
get_is_request_port(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    (void)rest;
    *value = request->port != 0 ? COH_STR(":") : COH_STR("");
    return true;
}

const struct cohort_variable coh_variables_of_request[] = {
    {"uri", get_uri, true},
    {"document_uri", get_uri, true},
    {"request_uri", get_request_uri, true},
    {"args", get_args, true},
    {"query_string", get_args, true},
    {"is_args", get_is_args, true},
    {"arg_", get_argument, true},
    {"request", get_line, true},
    {"request_method", get_method, true},
    {"server_protocol", get_protocol, true},
    {"scheme", get_scheme, true},
    {"https", get_https, true},
    {"host", get_host, true},
    {"request_length", get_length, true},
    {"request_port", get_request_port, true},
    {"is_request_port", get_is_request_port, true},
    {NULL, NULL, false},
};
