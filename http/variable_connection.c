/* Variables of connections, of the server and of its process. */
#include "http/variable.h"

#include <unistd.h>

#include "core/rng.h"
#include "core/str.h"
#include "http/product.h"
#include "http/request.h"
#include "http/service.h"
#include "http/virtual_server.h"

static bool
get_remote_addr(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    (void)rest;
    *value = cohort_str(cohort_request_peer(request));
    return true;
}

static bool
get_remote_port(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    uint16_t port = coh_addr_port(coh_request_peer(request));

    (void)rest;
    if (port > 0) {
        *value = coh_variable_number(request, port);
    }
    return true;
}

static bool
get_server_addr(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    char *text = cohort_request_alloc(request, COH_ADDR_TEXT_MAX);

    (void)rest;
    *value = cohort_str(coh_addr_format_host(coh_request_local(request), text));
    return true;
}

static bool
get_server_port(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    uint16_t port = coh_addr_port(coh_request_local(request));

    (void)rest;
    if (port > 0) {
        *value = coh_variable_number(request, port);
    }
    return true;
}

static bool
get_server_name(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    (void)rest;
    *value = request->routing.server->name;
    return true;
}

static bool
get_connection(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    (void)rest;
    *value = coh_variable_number(request, request->connection->number);
    return true;
}

static bool
get_connection_requests(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    (void)rest;
    *value = coh_variable_number(request, request->connection->request_count);
    return true;
}

static const struct coh_clock *
clock_of(const struct cohort_request *request)
{
    return &request->connection->http->loop->clock;
}

static bool
get_connection_time(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    uint64_t ms = clock_of(request)->now_ms - request->connection->started_ms;

    (void)rest;
    *value = coh_variable_seconds(request, ms);
    return true;
}

static bool
get_msec(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    const struct timeval *wall = &clock_of(request)->wall;

    (void)rest;
    *value = coh_variable_seconds(
        request,
        (uint64_t)wall->tv_sec * 1000 + (uint64_t)wall->tv_usec / 1000);
    return true;
}

static bool
get_time_local(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    (void)rest;
    *value = cohort_str_n(clock_of(request)->log_time, COH_LOG_TIME_SIZE);
    return true;
}

static bool
get_time_iso8601(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    (void)rest;
    *value = cohort_str_n(clock_of(request)->iso_time, COH_ISO_TIME_SIZE);
    return true;
}

/* Sixteen random bytes, the same for the whole of a request. */
static bool
get_request_id(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[16];
    char *text = cohort_request_alloc(request, 2 * sizeof(bytes));
    size_t i;

    (void)rest;
    coh_random_bytes(bytes, sizeof(bytes));
    for (i = 0; i < sizeof(bytes); i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    *value = cohort_str_n(text, 2 * sizeof(bytes));
    return true;
}

/* "p" for a pipelined request. */
static bool
get_pipe(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    (void)rest;
    *value = request->is_pipelined ? COH_STR("p") : COH_STR(".");
    return true;
}

/* Empty elements are none. */
static void
add_element(
    struct coh_variable_list *list, struct cohort_request *request,
    struct cohort_str element)
{
    if (element.size > 0) {
        coh_variable_list_add(list, request, COH_STR(", "), element);
    }
}

/* All X-Forwarded-For with the client behind them: for proxies. */
static bool
get_forwarded_for(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    struct coh_variable_list list = {.text = COH_STR("")};
    uint32_t i;

    (void)rest;
    for (i = 0; i < request->header_count; i++) {
        const struct coh_header *header = &request->headers[i];

        if (header->id == COH_HEADER_X_FORWARDED_FOR) {
            add_element(
                &list, request, coh_request_header_value(request, header));
        }
    }
    add_element(&list, request, cohort_str(cohort_request_peer(request)));
    *value = list.text;
    return true;
}

static bool
get_pid(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    (void)rest;
    *value = coh_variable_number(request, (uint64_t)getpid());
    return true;
}

static bool
get_hostname(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    char *name = cohort_request_alloc(request, 256);

    (void)rest;
    (void)gethostname(name, 255);
    *value = cohort_str(name);
    return true;
}

static bool
get_nginx_version(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    (void)request;
    (void)rest;
    *value = coh_nginx_version();
    return true;
}

static bool
get_cohort_version(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    (void)request;
    (void)rest;
    *value = coh_product_version();
    return true;
}

const struct cohort_variable coh_variables_of_connection[] = {
    {"remote_addr", get_remote_addr, true},
    {"remote_port", get_remote_port, true},
    {"proxy_add_x_forwarded_for", get_forwarded_for, false},
    {"server_addr", get_server_addr, false},
    {"server_port", get_server_port, false},
    {"server_name", get_server_name, true},
    {"connection", get_connection, true},
    {"connection_requests", get_connection_requests, true},
    {"connection_time", get_connection_time, true},
    {"request_id", get_request_id, false},
    {"pipe", get_pipe, true},
    {"msec", get_msec, true},
    {"time_local", get_time_local, true},
    {"time_iso8601", get_time_iso8601, true},
    {"pid", get_pid, true},
    {"hostname", get_hostname, false},
    {"nginx_version", get_nginx_version, true},
    {"cohort_version", get_cohort_version, true},
    {NULL, NULL, false},
};
