/* How a connection ends: at once, or lingering for a bounded time and
   amount. */
#include "http/connection_close.h"

#include "http/connection_wait.h"
#include "http/held.h"
#include "http/output.h"
#include "http/scratch.h"
#include "http/serve.h"
#include "http/service.h"
#include "http/settings.h"

/* Bytes that are read from a client that we have answered for good. */
#define LINGER_MAX (8u << 20)

/* --- the end -------------------------------------------------------------- */

/* Out of all books; the descriptor is closed already. */
static void
forget(struct coh_connection *connection)
{
    struct coh_http *http = connection->http;

    coh_output_clear(connection);
    coh_held_set(&connection->held, cohort_str_n(NULL, 0));
    coh_deadline_clear(&http->loop->wheel, &connection->deadline);
    coh_connection_set_state(connection, COH_CONNECTION_IDLE);
    http->counters[COH_GAUGE_WAITING]--;
    TAILQ_REMOVE(&http->connections, connection, link);
    http->connection_count--;
    coh_pool_give(&http->connection_pool, connection);
    cohort_self_connection_closed(http->self);
    coh_http_check_idle(http);
}

void
coh_connection_close(struct coh_connection *connection)
{
    coh_output_clear(connection); /* so that the log knows what was sent */
    coh_serve_gone(connection);
    if (connection->must_reset) {
        coh_stream_abort(&connection->stream);
    } else {
        coh_stream_close(&connection->stream);
    }
    forget(connection);
}

void
coh_connection_time_out(struct coh_connection *connection)
{
    connection->must_reset = connection->client->reset_timedout_connection;
    coh_connection_close(connection);
}

/* --- lingering ------------------------------------------------------------ */

/* May the client have sent another request behind the one that was answered
   last? If it has not asked for the end itself, or while nothing was read
   because the response was still being written. */
static bool
may_have_pipelined(const struct coh_connection *connection)
{
    const struct coh_client_settings *client = connection->client;

    return connection->state == COH_CONNECTION_WRITING ||
        connection->is_leaving ||
        connection->request_count >= client->keepalive_requests ||
        client->keepalive_timeout_ms == 0 ||
        connection->last_ms - connection->started_ms >=
        client->keepalive_time_ms;
}

/* Looked for where it is likely, and behind a response alone: most connections
   are closed without another system call. */
static bool
has_pipelined(const struct coh_connection *connection)
{
    return connection->has_sent && may_have_pipelined(connection) &&
        coh_stream_has_unread(&connection->stream);
}

static bool
must_linger(const struct coh_connection *connection)
{
    if (connection->is_broken || connection->is_cut || connection->is_ended) {
        return false;
    }
    switch (connection->client->lingering_close) {
    case COH_LINGERING_OFF:
        return false;
    case COH_LINGERING_ALWAYS:
        return true;
    default:
        return connection->must_linger || coh_held_size(connection->held) > 0 ||
            has_pipelined(connection);
    }
}

void
coh_connection_finish(struct coh_connection *connection)
{
    if (!must_linger(connection)) {
        coh_connection_close(connection);
        return;
    }
    coh_serve_gone(connection);
    coh_held_set(&connection->held, cohort_str_n(NULL, 0));
    coh_stream_shutdown(&connection->stream);
    connection->linger_left = LINGER_MAX;
    connection->last_ms = coh_loop_now_ms(connection->http->loop);
    coh_connection_set_state(connection, COH_CONNECTION_LINGERING);
    coh_connection_wait_lingering(connection);
}

void
coh_connection_linger(struct coh_connection *connection)
{
    struct coh_scratch *scratch = connection->http->scratch;
    ssize_t got =
        coh_stream_read(&connection->stream, scratch->input, COH_RECEIVE_SIZE);

    if (got > 0 && (size_t)got < connection->linger_left) {
        connection->linger_left -= (uint32_t)got;
        coh_connection_wait_lingering(connection);
    } else if (got != -EAGAIN) {
        coh_connection_close(connection);
    }
}
