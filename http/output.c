/* What goes out on a connection: one send per batch of answers. */
#include "http/output.h"

#include <string.h>

#include "core/check.h"
#include "http/piece.h"
#include "http/scratch.h"
#include "http/service.h"

/* For one call of sendfile; large ones cost less. */
#define FILE_CALL_MAX (512u << 10)

static void
fail(struct coh_connection *connection, ssize_t error)
{
    if (error != -EAGAIN) {
        connection->is_broken = true;
    }
}

static void
count_sent(struct coh_connection *connection, size_t size)
{
    connection->http->counters[COH_COUNT_BYTES_SENT] += size;
    connection->http->scratch->turn_size += size;
    connection->has_sent = true;
}

/* Send the batch, or queue it behind what waits already. */
static void
send_batch(struct coh_connection *connection, bool is_more)
{
    struct coh_scratch *scratch = connection->http->scratch;
    size_t size = scratch->batch_size;
    ssize_t sent = 0;

    scratch->batch_size = 0;
    if (size == 0 || connection->is_broken) {
        return;
    }
    if (!coh_output_is_blocked(connection)) {
        sent = coh_stream_write(
            &connection->stream, scratch->batch, size, is_more);
        if (sent < 0) {
            fail(connection, sent);
            sent = 0;
        }
        count_sent(connection, (size_t)sent);
    }
    if ((size_t)sent < size && !connection->is_broken) {
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

/* --- what waits ------------------------------------------------------------ */

static ssize_t
send_file(struct coh_connection *connection, struct coh_piece *piece)
{
    size_t size =
        piece->left < FILE_CALL_MAX ? (size_t)piece->left : FILE_CALL_MAX;
    ssize_t sent = coh_stream_sendfile(
        &connection->stream, piece->fd, &piece->offset, size);

    /* The file has become shorter: what was promised cannot be kept. */
    return sent == 0 ? -EIO : sent;
}

static ssize_t
send_memory(struct coh_connection *connection, struct coh_piece *piece)
{
    bool is_last = TAILQ_NEXT(piece, link) == NULL;
    ssize_t sent = coh_stream_write(
        &connection->stream, piece->buffer + piece->offset, (size_t)piece->left,
        !is_last);

    if (sent > 0) {
        piece->offset += sent;
    }
    return sent;
}

/* As much of the first piece as goes by one call: bytes, or -errno. */
static ssize_t
send_first(struct coh_connection *connection)
{
    struct coh_piece *piece = TAILQ_FIRST(&connection->pieces);
    ssize_t sent;

    if (piece->left == 0) {
        coh_pieces_drop_first(connection);
        return 0;
    }
    sent = piece->kind == COH_PIECE_FILE ? send_file(connection, piece)
                                         : send_memory(connection, piece);
    if (sent < 0) {
        return sent;
    }
    count_sent(connection, (size_t)sent);
    piece->left -= (uint64_t)sent;
    if (piece->left == 0) {
        coh_pieces_drop_first(connection);
    }
    return sent;
}

bool
coh_output_flush(struct coh_connection *connection)
{
    const struct coh_scratch *scratch = connection->http->scratch;
    ssize_t sent;

    send_batch(connection, false);
    while (coh_output_is_blocked(connection) &&
           scratch->turn_size < COH_TURN_MAX) {
        sent = connection->is_broken ? -EPIPE : send_first(connection);
        if (sent < 0) {
            fail(connection, sent);
            break;
        }
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
    if (coh_output_is_running(connection)) {
        connection->http->scratch->batch_size = 0;
    }
    coh_pieces_clear(connection);
}
