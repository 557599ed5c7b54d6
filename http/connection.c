/* A client's connection: opened, run when something happens, left in a state.
 *
 *   run     what was held, then what the socket has -> serve -> one send
 *   leave   what serving stopped for is the state: what is waited for, and the
 *           deadline of that
 *
 * Nothing is registered before there is something to wait for: a request that
 * came with its connection is answered, and the connection closed, without. */
#include "http/connection.h"

#include <string.h>

#include "core/check.h"
#include "http/address.h"
#include "http/connection_close.h"
#include "http/connection_wait.h"
#include "http/held.h"
#include "http/output.h"
#include "http/piece.h"
#include "http/request.h"
#include "http/scratch.h"
#include "http/serve.h"
#include "http/service.h"
#include "http/settings.h"
#include "http/virtual_server.h"

/* --- states --------------------------------------------------------------- */

static enum coh_http_counter
gauge_of(enum coh_connection_state state)
{
    switch (state) {
    case COH_CONNECTION_IDLE:
        return COH_GAUGE_WAITING;
    case COH_CONNECTION_READING:
    case COH_CONNECTION_BODY:
    case COH_CONNECTION_DROPPING:
        return COH_GAUGE_READING;
    default:
        return COH_GAUGE_WRITING;
    }
}

void
coh_connection_set_state(
    struct coh_connection *connection, enum coh_connection_state state)
{
    uint64_t *counters = connection->http->counters;

    if (connection->state != state) {
        counters[gauge_of((enum coh_connection_state)connection->state)]--;
        counters[gauge_of(state)]++;
        connection->state = (uint8_t)state;
    }
}

/* --- input ---------------------------------------------------------------- */

/* What was held comes first. Its memory stays until it is known whether there
   is something to hold again. */
static void
take_held(struct coh_connection *connection)
{
    struct coh_scratch *scratch = connection->http->scratch;
    const struct coh_held *held = connection->held;

    if (held != NULL) {
        memcpy(scratch->input, held->data, held->size);
        scratch->input_end = held->size;
        scratch->input_fresh = held->size;
    }
}

static void
receive(struct coh_connection *connection)
{
    struct coh_scratch *scratch = connection->http->scratch;
    size_t room = scratch->input_room - scratch->input_end;
    ssize_t got;

    if (room == 0) {
        return;
    }
    got = coh_stream_read(
        &connection->stream, scratch->input + scratch->input_end,
        room < COH_RECEIVE_SIZE ? room : COH_RECEIVE_SIZE);
    if (got > 0) {
        connection->has_received = true;
        scratch->input_end += (size_t)got;
    } else if (got == 0) {
        connection->is_ended = true;
    } else if (got != -EAGAIN) {
        connection->is_broken = true;
    }
}

static void
hold_rest(struct coh_connection *connection)
{
    struct cohort_str rest = coh_scratch_input(connection->http->scratch);

    if (rest.size > 0 || connection->held != NULL) {
        coh_held_set(&connection->held, rest);
    }
}

/* --- output --------------------------------------------------------------- */

void
coh_connection_change_delay(struct coh_connection *connection)
{
    connection->is_delayed = !connection->is_delayed;
    /* Refused by unix sockets, which have nothing to delay. */
    (void)coh_stream_set_nodelay(&connection->stream, !connection->is_delayed);
}

/* --- running -------------------------------------------------------------- */

/* Serve, send, and serve on what had to wait for that. */
static enum coh_outcome
serve_and_send(struct coh_connection *connection)
{
    enum coh_outcome outcome;

    for (;;) {
        outcome = coh_serve(connection);
        if (!coh_output_flush(connection)) {
            return COH_SERVE_OUTPUT;
        }
        if (connection->is_broken) {
            return COH_SERVE_CLOSE;
        }
        if (outcome != COH_SERVE_OUTPUT || coh_output_must_wait(connection)) {
            return outcome;
        }
    }
}

static void
begin_run(struct coh_connection *connection)
{
    coh_loop_update(connection->http->loop);
    coh_scratch_open(connection->http->scratch);
    connection->http->running = connection;
    connection->has_sent = false;
    connection->has_received = false;
    take_held(connection);
}

/* The connection may be gone afterwards, but not its process's scratch. */
static void
end_run(struct coh_connection *connection, enum coh_outcome outcome)
{
    struct coh_http *http = connection->http;

    hold_rest(connection);
    http->running = NULL;
    coh_connection_leave(connection, outcome);
    coh_scratch_shut(http->scratch);
}

static void
linger(struct coh_connection *connection)
{
    struct coh_http *http = connection->http;

    http->running = NULL;
    coh_connection_linger(connection);
    coh_scratch_shut(http->scratch);
}

void
coh_connection_run(struct coh_connection *connection, bool is_readable)
{
    enum coh_outcome outcome = COH_SERVE_CLOSE;

    begin_run(connection);
    if (connection->state == COH_CONNECTION_LINGERING) {
        linger(connection);
        return;
    }
    if (coh_output_is_blocked(connection) && !coh_output_flush(connection)) {
        outcome = connection->is_broken ? COH_SERVE_CLOSE : COH_SERVE_OUTPUT;
        end_run(connection, outcome);
        return;
    }
    if (is_readable) {
        receive(connection);
    }
    if (!connection->is_broken) {
        outcome = serve_and_send(connection);
    }
    end_run(connection, outcome);
}

void
coh_connection_run_error(struct coh_connection *connection, int status)
{
    enum coh_outcome outcome;

    begin_run(connection);
    outcome = coh_serve_error(connection, status);
    connection->http->scratch->input_at = connection->http->scratch->input_end;
    if (!coh_output_flush(connection)) {
        outcome = COH_SERVE_OUTPUT;
    }
    end_run(connection, outcome);
}

static void
on_ready(struct coh_stream *stream)
{
    struct coh_connection *connection = (struct coh_connection *)stream;

    coh_connection_run(connection, !stream->wants_write);
}

/* --- life ----------------------------------------------------------------- */

void
coh_connection_open(
    struct coh_http *http, int fd, const struct coh_address *address)
{
    struct coh_connection *connection = coh_pool_take(&http->connection_pool);

    if (connection == NULL) {
        coh_die_memory(sizeof(*connection));
    }
    coh_loop_update(http->loop);
    memset(connection, 0, sizeof(*connection));
    coh_stream_adopt(&connection->stream, http->loop, fd, on_ready);
    TAILQ_INIT(&connection->pieces);
    connection->http = http;
    connection->address = coh_address_of_connection(address, fd);
    connection->client =
        coh_client_settings(connection->address->default_server->settings);
    connection->number = ++http->connection_number;
    connection->started_ms = coh_loop_now_ms(http->loop);
    connection->last_ms = connection->started_ms;
    connection->state = COH_CONNECTION_IDLE;
    connection->is_leaving = http->drain_ms != 0;
    TAILQ_INSERT_TAIL(&http->connections, connection, link);
    http->connection_count++;
    http->counters[COH_COUNT_ACCEPTED]++;
    http->counters[COH_GAUGE_WAITING]++;
    coh_connection_run(connection, true);
}
