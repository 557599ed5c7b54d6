/* What a connection waits for when its callback ends, and for how long. */
#include "http/connection_wait.h"

#include <string.h>

#include "http/body.h"
#include "http/connection_close.h"
#include "http/connection_idle.h"
#include "http/held.h"
#include "http/piece.h"
#include "http/request.h"
#include "http/request_log.h"
#include "http/scratch.h"
#include "http/service.h"
#include "http/settings.h"

/* Pipelined bytes that are taken from the socket while a request waits; beyond
   that a client that goes is noticed later. */
#define HELD_WHILE_WAITING_MAX COH_RECEIVE_SIZE

/* --- deadlines ------------------------------------------------------------ */

static uint64_t
now_of(const struct coh_connection *connection)
{
    return coh_loop_now_ms(connection->http->loop);
}

static void
set_deadline(struct coh_connection *connection, uint64_t at_ms)
{
    coh_deadline_set(
        &connection->http->loop->wheel, &connection->deadline, at_ms);
}

/*
 * Between two moves of the client timeout_ms may pass. With a minimum rate, all
 * the time it was waited for counts, too: timeout_ms to begin with, and what
 * the bytes so far may have taken, so that dripping them does not help.
 */
static uint64_t
paced_deadline(
    const struct coh_pace *pace, uint64_t now_ms, uint64_t timeout_ms,
    uint64_t bytes, uint64_t min_rate)
{
    uint64_t left_ms;

    if (min_rate == 0) {
        return now_ms + timeout_ms;
    }
    left_ms = timeout_ms + bytes * 1000 / min_rate;
    left_ms = left_ms > pace->waited_ms ? left_ms - pace->waited_ms : 0;
    return now_ms + (left_ms < timeout_ms ? left_ms : timeout_ms);
}

/* It is waited for again; was_waiting: since the last call it has been. */
static void
count_wait(struct coh_pace *pace, uint64_t now_ms, bool was_waiting)
{
    if (was_waiting) {
        pace->waited_ms += now_ms - pace->since_ms;
    }
    pace->since_ms = now_ms;
}

/* --- waiting -------------------------------------------------------------- */

static void
close_unwaited(struct coh_connection *connection, int error)
{
    struct coh_connection_log log;

    cohort_error(
        coh_connection_log(&log, connection), "cannot wait for a client: %s",
        strerror(-error));
    coh_connection_close(connection);
}

static void
wait_read(struct coh_connection *connection)
{
    struct coh_stream *stream = &connection->stream;
    int result;

    if (stream->is_registered && !stream->wants_write) {
        return; /* as nearly always */
    }
    result = coh_stream_wait_read(stream);
    if (result < 0) {
        close_unwaited(connection, result);
    }
}

static void
wait_write(struct coh_connection *connection)
{
    int result = coh_stream_wait_write(&connection->stream);

    if (result < 0) {
        close_unwaited(connection, result);
    }
}

/* --- states --------------------------------------------------------------- */

static void
wait_idle(struct coh_connection *connection)
{
    uint64_t wait_ms = connection->request_count == 0
        ? connection->client->client_header_timeout_ms
        : connection->client->keepalive_timeout_ms;

    coh_connection_set_state(connection, COH_CONNECTION_IDLE);
    if (connection->http->drain_ms != 0) {
        coh_connection_drain_idle(connection);
    } else {
        set_deadline(connection, connection->last_ms + wait_ms);
    }
    coh_stream_park(&connection->stream);
    wait_read(connection);
}

static void
enter_idle(struct coh_connection *connection)
{
    if (connection->is_last_look) {
        coh_connection_finish(connection);
        return;
    }
    wait_idle(connection);
}

/* The whole head has one deadline, from its first bytes on: a connection that
   was in this state already and has answered nothing since keeps it. */
static void
enter_reading(struct coh_connection *connection)
{
    if (connection->state != COH_CONNECTION_READING || connection->has_sent) {
        set_deadline(
            connection,
            now_of(connection) + connection->client->client_header_timeout_ms);
    }
    coh_connection_set_state(connection, COH_CONNECTION_READING);
    wait_read(connection);
}

static void
enter_body(struct coh_connection *connection)
{
    struct cohort_request *request = connection->request;
    const struct coh_client_settings *client =
        coh_client_settings(request->routing.settings);
    bool was_waiting = connection->state == COH_CONNECTION_BODY;
    uint64_t now_ms = now_of(connection);

    if (connection->has_received || !was_waiting) {
        count_wait(&request->body->pace, now_ms, was_waiting);
        set_deadline(
            connection,
            paced_deadline(
                &request->body->pace, now_ms, client->client_body_timeout_ms,
                request->body->received, client->client_body_min_rate));
    }
    coh_connection_set_state(connection, COH_CONNECTION_BODY);
    wait_read(connection);
}

/* Between two reads, but never longer than lingering_time in all. */
static uint64_t
lingering_deadline(const struct coh_connection *connection)
{
    uint64_t next_ms =
        now_of(connection) + connection->client->lingering_timeout_ms;
    uint64_t last_ms =
        connection->last_ms + connection->client->lingering_time_ms;

    return next_ms < last_ms ? next_ms : last_ms;
}

static void
enter_dropping(struct coh_connection *connection)
{
    coh_connection_set_state(connection, COH_CONNECTION_DROPPING);
    set_deadline(connection, lingering_deadline(connection));
    wait_read(connection);
}

void
coh_connection_wait_lingering(struct coh_connection *connection)
{
    set_deadline(connection, lingering_deadline(connection));
    wait_read(connection);
}

/* Reads on, to notice a client that goes, as long as there is room. */
static void
enter_waiting(struct coh_connection *connection)
{
    coh_connection_set_state(connection, COH_CONNECTION_WAITING);
    coh_deadline_stop(&connection->deadline);
    if (coh_held_size(connection->held) < HELD_WHILE_WAITING_MAX) {
        wait_read(connection);
    } else {
        coh_stream_wait_nothing(&connection->stream);
    }
}

/* Bytes of the response that the socket has taken: a file or a large memory is
   given at once, however slowly it goes out. With send_min_rate alone, as all
   that waits is looked at. */
static uint64_t
taken_of(const struct coh_connection *connection)
{
    uint64_t given = connection->request->response.sent;
    uint64_t waiting = coh_pieces_size(connection);

    return given > waiting ? given - waiting : 0; /* others may wait, too */
}

/* Output of requests that are gone has no pace of its own. */
static uint64_t
writing_deadline(struct coh_connection *connection, bool was_waiting)
{
    struct cohort_request *request = connection->request;
    const struct coh_client_settings *client = connection->client;
    uint64_t now_ms = now_of(connection);

    if (request == NULL) {
        return now_ms + client->send_timeout_ms;
    }
    client = coh_client_settings(request->routing.settings);
    count_wait(&request->response.pace, now_ms, was_waiting);
    return paced_deadline(
        &request->response.pace, now_ms, client->send_timeout_ms,
        client->send_min_rate == 0 ? 0 : taken_of(connection),
        client->send_min_rate);
}

static void
enter_writing(struct coh_connection *connection)
{
    bool was_waiting = connection->state == COH_CONNECTION_WRITING;

    if (connection->has_sent || !was_waiting) {
        set_deadline(connection, writing_deadline(connection, was_waiting));
    }
    coh_connection_set_state(connection, COH_CONNECTION_WRITING);
    wait_write(connection);
}

/* --- leaving -------------------------------------------------------------- */

/* Is there still somebody to wait for? A client that has sent its last byte may
   be waiting for what is being written, but not for anything else. */
static bool
is_left_alone(const struct coh_connection *connection, enum coh_outcome outcome)
{
    return connection->is_broken || connection->is_cut ||
        (connection->is_ended && outcome != COH_SERVE_OUTPUT);
}

void
coh_connection_leave(
    struct coh_connection *connection, enum coh_outcome outcome)
{
    if (outcome == COH_SERVE_CLOSE || is_left_alone(connection, outcome)) {
        coh_connection_finish(connection);
        return;
    }
    if (connection->request != NULL) {
        coh_request_keep(connection->request);
    }
    switch (outcome) {
    case COH_SERVE_OUTPUT:
        enter_writing(connection);
        break;
    case COH_SERVE_BODY:
        enter_body(connection);
        break;
    case COH_SERVE_DROP:
        enter_dropping(connection);
        break;
    case COH_SERVE_RESUME:
        enter_waiting(connection);
        break;
    default:
        if (coh_held_size(connection->held) > 0) {
            enter_reading(connection);
        } else {
            enter_idle(connection);
        }
    }
}
