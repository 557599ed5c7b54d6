/* What goes out on a connection: one send per batch of answers; what the socket
   doesn't take waits in pieces. */
#ifndef COH_HTTP_OUTPUT_H
#define COH_HTTP_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "http/connection.h"
#include "http/scratch.h"
#include "http/service.h"

struct coh_piece;

/* Bytes that a connection may send before others have their turn; of files,
   sendfile_max_chunk says it. */
#define COH_TURN_MAX (2u << 20)

/*
 * Bytes go to the batch of the process, which belongs to the connection that
 * runs, behind everything given before. When the batch is full it is sent. On
 * any other connection they wait until it runs. A connection that is broken
 * takes everything and sends nothing.
 */
void coh_output_memory(
    struct coh_connection *connection, const void *data, size_t size);

/* Else somebody answers a waiting request from a callback of his own, and the
   batch may be in use for another connection, or for none. */
static inline bool
coh_output_is_running(const struct coh_connection *connection)
{
    return connection->http->running == connection;
}

/* Of the connection that runs: room for size bytes, at most
   COH_OUTPUT_RESERVE_MAX, in the batch; they count when coh_output_commit()
   says how many. */
#define COH_OUTPUT_RESERVE_MAX 65536
char *coh_output_reserve(struct coh_connection *connection, size_t size);
void coh_output_commit(struct coh_connection *connection, size_t size);

/* A range of a file, behind everything given before; see struct coh_piece. */
void coh_output_file(
    struct coh_connection *connection, const struct coh_piece *range);

/* Send the batch and what waits, as far as the socket takes it and a turn may
   go on. Returns true if nothing is left. */
bool coh_output_flush(struct coh_connection *connection);

/* Send the batch if it is at least half full. */
void coh_output_flush_full(struct coh_connection *connection);

/* Something waits that the socket did not take. */
static inline bool
coh_output_is_blocked(const struct coh_connection *connection)
{
    return !TAILQ_EMPTY(&connection->pieces);
}

/* The same, or this connection has sent so much in its callback that it is the
   others' turn: no further request is read, no producer asked. */
static inline bool
coh_output_must_wait(const struct coh_connection *connection)
{
    return coh_output_is_blocked(connection) ||
        connection->http->scratch->turn_size >= COH_TURN_MAX;
}

/* So many bytes have gone out. */
static inline void
coh_output_count(struct coh_connection *connection, size_t size)
{
    connection->http->counters[COH_COUNT_BYTES_SENT] += size;
    connection->http->scratch->turn_size += size;
    connection->has_sent = true;
}

/* Forget everything that has not gone out: the request that is being answered
   has not sent it (coh_response_lose). */
void coh_output_clear(struct coh_connection *connection);

#endif
