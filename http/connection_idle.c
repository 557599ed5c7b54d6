/* Connections that wait too long, that must make room, or that a draining
   process lets go. */
#include "http/connection_idle.h"

#include <stddef.h>

#include "http/connection_close.h"
#include "http/request_log.h"
#include "http/service.h"
#include "http/settings.h"

/* --- deadlines ------------------------------------------------------------ */

static void
log_timeout(struct coh_connection *connection, const char *what)
{
    struct coh_connection_log log;

    connection->http->counters[COH_COUNT_TIMEOUTS]++;
    cohort_info(
        coh_connection_log(&log, connection), "client timed out while %s",
        what);
}

/* Close it, but look once more: a request that was sent before this is served.
   It may be gone afterwards. */
static void
look_and_close(struct coh_connection *connection)
{
    connection->is_leaving = true;
    connection->is_last_look = true;
    coh_connection_run(connection, true);
}

static void
end_idle(struct coh_connection *connection)
{
    if (connection->http->drain_ms != 0) {
        look_and_close(connection);
        return;
    }
    if (connection->request_count == 0) {
        log_timeout(connection, "nothing came");
    }
    coh_connection_time_out(connection);
}

static void
end_reading(struct coh_connection *connection, const char *what)
{
    log_timeout(connection, what);
    if (connection->client->reset_timedout_connection) {
        coh_connection_time_out(connection);
    } else {
        coh_connection_run_error(connection, 408);
    }
}

void
coh_connection_on_due(struct coh_deadline *deadline)
{
    struct coh_connection *connection =
        (struct coh_connection
             *)((char *)deadline - offsetof(struct coh_connection, deadline));

    switch ((enum coh_connection_state)connection->state) {
    case COH_CONNECTION_IDLE:
        end_idle(connection);
        break;
    case COH_CONNECTION_READING:
        end_reading(connection, "sending a request's head");
        break;
    case COH_CONNECTION_BODY:
        end_reading(connection, "sending a request's body");
        break;
    case COH_CONNECTION_WRITING:
        log_timeout(connection, "reading a response");
        coh_connection_time_out(connection);
        break;
    default:
        coh_connection_close(connection);
    }
}

/* --- making room ---------------------------------------------------------- */

/* Looked at for one order; more than are closed, as some may have something to
   do. */
#define RECLAIM_MAX 64

/* The connections that have been idle for longest, the longest first. */
struct idle_list {
    struct coh_connection *entries[RECLAIM_MAX];
    size_t count;
};

static void
add_idle(struct idle_list *list, struct coh_connection *connection)
{
    size_t at = list->count;

    while (at > 0 && list->entries[at - 1]->last_ms > connection->last_ms) {
        at--;
    }
    if (at == RECLAIM_MAX) {
        return;
    }
    if (list->count < RECLAIM_MAX) {
        list->count++;
    }
    for (size_t i = list->count - 1; i > at; i--) {
        list->entries[i] = list->entries[i - 1];
    }
    list->entries[at] = connection;
}

/* One look at all: no request pays for an order that is seldom asked for. */
size_t
coh_connections_reclaim(struct coh_http *http, size_t count)
{
    struct idle_list list = {.count = 0};
    struct coh_connection *connection;
    size_t closed = 0;

    TAILQ_FOREACH (connection, &http->connections, link) {
        if (connection->state == COH_CONNECTION_IDLE &&
            connection->request_count > 0) {
            add_idle(&list, connection);
        }
    }
    for (size_t i = 0; closed < count && i < list.count; i++) {
        size_t before = http->connection_count;

        look_and_close(list.entries[i]);
        closed += before - http->connection_count;
    }
    return closed;
}

/* --- draining ------------------------------------------------------------- */

void
coh_connection_drain_idle(struct coh_connection *connection)
{
    const struct coh_http *http = connection->http;
    uint64_t wait_ms = connection->client->keepalive_min_timeout_ms;
    uint64_t since_ms = connection->last_ms > http->drain_ms
        ? connection->last_ms
        : http->drain_ms;
    /* Spread by number: neighbours in the list are not neighbours in time. */
    uint64_t spread_ms = wait_ms == 0 ? 0 : connection->number * 7919 % wait_ms;

    coh_deadline_set(
        &connection->http->loop->wheel, &connection->deadline,
        since_ms + wait_ms + spread_ms);
}

void
coh_connections_drain(struct coh_http *http)
{
    struct coh_connection *connection;

    TAILQ_FOREACH (connection, &http->connections, link) {
        connection->is_leaving = true;
        if (connection->state == COH_CONNECTION_IDLE) {
            coh_connection_drain_idle(connection);
        }
    }
}
