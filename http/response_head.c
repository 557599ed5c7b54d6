/* The head of a response, and whether its connection lives on. */
#include "http/response_head.h"

#include <string.h>

#include "core/str.h"
#include "http/body.h"
#include "http/connection.h"
#include "http/output.h"
#include "http/product.h"
#include "http/request.h"
#include "http/service.h"
#include "http/settings.h"
#include "http/status.h"

/* --- keep-alive ----------------------------------------------------------- */

/* "MSIE 6.0" and older. */
static bool
is_old_msie(struct cohort_str agent)
{
    const char *msie =
        agent.size == 0 ? NULL : memmem(agent.data, agent.size, "MSIE ", 5);

    return msie != NULL && msie + 7 <= agent.data + agent.size &&
        msie[5] >= '1' && msie[5] <= '6' && msie[6] == '.';
}

static bool
has(struct cohort_str agent, const char *word)
{
    return agent.size > 0 &&
        memmem(agent.data, agent.size, word, strlen(word)) != NULL;
}

/* Browsers that get it wrong: old MSIE behind a POST, Safari on a Mac. */
static bool
is_disabled_for(const struct cohort_request *request, unsigned browsers)
{
    struct cohort_str agent;

    if (request->method != COH_METHOD_POST) {
        browsers &= ~(unsigned)COH_KEEPALIVE_DISABLE_MSIE6;
    }
    if (browsers == 0) {
        return false;
    }
    agent = coh_request_value(request, COH_HEADER_USER_AGENT);
    if ((browsers & COH_KEEPALIVE_DISABLE_MSIE6) != 0 && is_old_msie(agent)) {
        return true;
    }
    return (browsers & COH_KEEPALIVE_DISABLE_SAFARI) != 0 &&
        has(agent, "Mac OS X") && has(agent, "Safari") && !has(agent, "Chrom");
}

static bool
lives_on(const struct cohort_request *request)
{
    const struct coh_connection *connection = request->connection;
    const struct coh_client_settings *client =
        coh_client_settings(request->routing.settings);

    return request->keep_alive && client->keepalive_timeout_ms != 0 &&
        connection->request_count < client->keepalive_requests &&
        request->started_ms - connection->started_ms <
        client->keepalive_time_ms &&
        !connection->is_leaving &&
        (client->keepalive_disable == 0 ||
         !is_disabled_for(request, client->keepalive_disable)) &&
        (request->body == NULL || coh_body_allows_next(request));
}

void
coh_response_settle_connection(struct cohort_request *request)
{
    request->keep_alive = lives_on(request);
    request->response.is_closing = !request->keep_alive;
}

/* --- the head ------------------------------------------------------------- */

static void
put(struct cohort_request *request, const char *data, size_t size)
{
    coh_output_memory(request->connection, data, size);
    request->response.head_sent += size;
}

static void
put_str(struct cohort_request *request, struct cohort_str str)
{
    put(request, str.data, str.size);
}

#define PUT(request, literal) put((request), "" literal, sizeof(literal) - 1)

static void
put_field(
    struct cohort_request *request, struct cohort_str name,
    struct cohort_str value)
{
    put_str(request, name);
    PUT(request, ": ");
    put_str(request, value);
    PUT(request, "\r\n");
}

/* Status line, Server and Date. */
static void
put_start(struct cohort_request *request)
{
    const struct coh_response_settings *settings =
        coh_response_settings(request->routing.settings);

    PUT(request, "HTTP/1.1 ");
    put_str(request, coh_status_text(request->response.status));
    PUT(request, "\r\nServer: ");
    put_str(request, coh_product(settings->server_tokens));
    PUT(request, "\r\nDate: ");
    put(request, request->connection->http->loop->clock.http_date,
        COH_HTTP_DATE_SIZE);
    PUT(request, "\r\n");
}

/* Type and length, as far as there is a body to describe. */
static void
put_body_fields(struct cohort_request *request)
{
    const struct coh_response *response = &request->response;
    char digits[20];

    if (coh_status_is_bodiless(response->status)) {
        return;
    }
    if (response->type.size > 0) {
        put_field(request, COH_STR("Content-Type"), response->type);
    }
    if (response->is_length_known) {
        put_field(
            request, COH_STR("Content-Length"),
            cohort_str_n(digits, coh_u64_format(digits, response->length)));
    } else if (response->is_chunked) {
        PUT(request, "Transfer-Encoding: chunked\r\n");
    }
}

static void
put_connection(struct cohort_request *request)
{
    uint64_t seconds =
        coh_client_settings(request->routing.settings)->keepalive_header_s;
    char digits[20];

    if (request->response.is_closing) {
        PUT(request, "Connection: close\r\n\r\n");
        return;
    }
    PUT(request, "Connection: keep-alive\r\n");
    if (seconds > 0) {
        PUT(request, "Keep-Alive: timeout=");
        put(request, digits, coh_u64_format(digits, seconds));
        PUT(request, "\r\n");
    }
    PUT(request, "\r\n");
}

void
coh_response_write_head(struct cohort_request *request)
{
    struct coh_response *response = &request->response;

    put_start(request);
    put_body_fields(request);
    for (uint16_t i = 0; i < response->field_count; i++) {
        const struct coh_field *field = &response->fields[i];

        if (!field->is_removed) {
            put_field(request, field->name, field->value);
        }
    }
    put_connection(request);
    response->sent = response->head_sent;
}
