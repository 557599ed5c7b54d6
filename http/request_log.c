/* The error log of a request or a connection. */
#include "http/request_log.h"

#include <stdio.h>

#include "http/address.h"
#include "http/peer.h"
#include "http/request.h"
#include "http/service.h"
#include "http/settings.h"
#include "http/virtual_server.h"

/* What snprintf has written of what it wanted to. */
static size_t
written(int wanted, size_t size)
{
    if (wanted < 0) {
        return 0;
    }
    return (size_t)wanted < size ? (size_t)wanted : size;
}

static size_t
write_client(struct coh_connection *connection, char *out, size_t size)
{
    char room[COH_ADDR_TEXT_MAX];

    return written(
        snprintf(out, size, ", client: %s", coh_peer_text(connection, room)),
        size);
}

static size_t
write_part(
    char *out, size_t size, const char *before, struct cohort_str value,
    const char *after)
{
    return written(
        snprintf(
            out, size, "%s%.*s%s", before, (int)value.size, value.data, after),
        size);
}

static size_t
connection_context(const void *object, char *out, size_t size)
{
    const struct coh_connection_log *log = object;

    return write_client(log->connection, out, size);
}

static size_t
request_context(const void *object, char *out, size_t size)
{
    const struct cohort_request *request = object;
    struct cohort_str host = coh_request_value(request, COH_HEADER_HOST);
    size_t used = write_client(request->connection, out, size);

    used += write_part(
        out + used, size - used, ", server: ", request->routing.server->name,
        "");
    if (request->line.size > 0) {
        used += write_part(
            out + used, size - used, ", request: \"", request->line, "\"");
    }
    if (host.size > 0) {
        used += write_part(out + used, size - used, ", host: \"", host, "\"");
    }
    return used;
}

static void
init(
    struct cohort_log *log, const struct coh_connection *connection,
    void *const *settings)
{
    coh_log_init(log, cohort_settings_log(settings));
    log->connection = connection->number;
    log->clock = &connection->http->loop->clock;
}

struct cohort_log *
coh_connection_log(
    struct coh_connection_log *log, struct coh_connection *connection)
{
    init(&log->log, connection, connection->address->default_server->settings);
    log->log.context = connection_context;
    log->log.object = log;
    log->connection = connection;
    return &log->log;
}

/* Looked up anew each time: a redirect may have changed the settings. */
struct cohort_log *
cohort_request_log(struct cohort_request *request)
{
    if (request->log == NULL) {
        request->log = cohort_request_alloc(request, sizeof(*request->log));
    }
    init(request->log, request->connection, request->routing.settings);
    request->log->context = request_context;
    request->log->object = request;
    return request->log;
}
