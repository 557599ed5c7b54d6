/* What goes out on a connection: one send per batch of answers. */
#include "http/output.h"

#include <errno.h>
#include <string.h>

#include "core/check.h"
#include "http/piece.h"
#include "http/request.h"
#include "http/scratch.h"
#include "http/service.h"

static void
fail(struct coh_connection *connection, ssize_t error)
{
    if (error < 0 && error != -EAGAIN) {
        connection->is_broken = true;
    }
}

/* So many bytes never go out. They are the last ones that were given, so those
   of the request that is being answered. */
static void
count_lost(struct coh_connection *connection, uint64_t size)
{
    if (connection->request != NULL) {
        coh_response_lose(connection->request, size);
    }
}

/* Send the batch, or queue it behind what waits already. */
static void
send_batch(struct coh_connection *connection, bool is_more)
{
    struct coh_scratch *scratch = connection->http->scratch;
    size_t size = scratch->batch_size;
    ssize_t sent = 0;

    scratch->batch_size = 0;
    if (size == 0) {
        return;
    }
    if (!coh_output_is_blocked(connection) && !connection->is_broken) {
        sent = coh_stream_write(
            &connection->stream, scratch->batch, size, is_more);
        if (sent < 0) {
            fail(connection, sent);
            sent = 0;
        }
        coh_output_count(connection, (size_t)sent);
    }
    if ((size_t)sent == size) {
        return;
    }
    if (connection->is_broken) {
        count_lost(connection, size - (size_t)sent);
    } else {
        coh_pieces_add_memory(
            connection, scratch->batch + sent, size - (size_t)sent);
    }
}

char *
coh_output_reserve(struct coh_connection *connection, size_t size)
{
    struct coh_scratch *scratch = connection->http->scratch;

    COH_CHECK(size <= COH_OUTPUT_RESERVE_MAX);
    if (size > COH_BATCH_SIZE - scratch->batch_size) {
        send_batch(connection, true);
    }
    return scratch->batch + scratch->batch_size;
}

void
coh_output_commit(struct coh_connection *connection, size_t size)
{
    connection->http->scratch->batch_size += size;
}

void
coh_output_memory(
    struct coh_connection *connection, const void *data, size_t size)
{
    const char *from = data;

    if (!coh_output_is_running(connection)) {
        coh_pieces_add_memory(connection, data, size);
        return;
    }
    while (size > 0) {
        size_t part = size < COH_BATCH_SIZE / 2 ? size : COH_BATCH_SIZE / 2;

        memcpy(coh_output_reserve(connection, part), from, part);
        coh_output_commit(connection, part);
        from += part;
        size -= part;
    }
}

void
coh_output_file(
    struct coh_connection *connection, const struct coh_piece *range)
{
    if (coh_output_is_running(connection)) {
        send_batch(connection, true);
    }
    coh_pieces_add_file(connection, range);
}

bool
coh_output_flush(struct coh_connection *connection)
{
    send_batch(connection, false);
    if (coh_output_is_blocked(connection) && !connection->is_broken) {
        fail(connection, coh_pieces_send(connection));
    }
    if (connection->is_broken) {
        coh_output_clear(connection);
    }
    return !coh_output_is_blocked(connection);
}

void
coh_output_flush_full(struct coh_connection *connection)
{
    if (connection->http->scratch->batch_size >= COH_BATCH_SIZE / 2) {
        coh_output_flush(connection);
    }
}

void
coh_output_clear(struct coh_connection *connection)
{
    uint64_t size = coh_pieces_size(connection);

    if (coh_output_is_running(connection)) {
        size += connection->http->scratch->batch_size;
        connection->http->scratch->batch_size = 0;
    }
    coh_pieces_clear(connection);
    count_lost(connection, size);
}
