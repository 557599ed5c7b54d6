/* Sends what waits: bytes by send, files by sendfile or by reading them. */
#include <errno.h>
#include <unistd.h>

#include "http/output.h"
#include "http/piece.h"

/* For one call of sendfile; large ones cost less. */
#define FILE_CALL_MAX (512u << 10)

static size_t
smaller(size_t one, uint64_t other)
{
    return other < one ? (size_t)other : one;
}

/* Bytes that have to be sent in a turn to end it. */
static uint64_t
turn_max(const struct coh_piece *piece)
{
    return piece->kind == COH_PIECE_FILE ? piece->turn_max : COH_TURN_MAX;
}

/* By way of the batch, which is empty while something waits. What the socket
   doesn't take is read again: better than a buffer for each slow client. */
static ssize_t
send_copy(
    struct coh_connection *connection, struct coh_piece *piece, size_t size)
{
    char *batch = connection->http->scratch->batch;
    bool is_last = TAILQ_NEXT(piece, link) == NULL;
    ssize_t got;
    ssize_t sent;

    do {
        got = pread(
            piece->fd, batch, smaller(COH_BATCH_SIZE, size), piece->offset);
    } while (got < 0 && errno == EINTR);
    if (got <= 0) {
        return got < 0 ? -errno : 0;
    }
    sent = coh_stream_write(
        &connection->stream, batch, (size_t)got,
        !is_last || (uint64_t)got < piece->left);
    if (sent > 0) {
        piece->offset += sent;
    }
    return sent;
}

static ssize_t
send_file(struct coh_connection *connection, struct coh_piece *piece)
{
    uint64_t turn_left = piece->turn_max - connection->http->scratch->turn_size;
    size_t size = smaller(smaller(FILE_CALL_MAX, piece->left), turn_left);
    ssize_t sent = piece->is_copied
        ? send_copy(connection, piece, size)
        : coh_stream_sendfile(
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
    coh_output_count(connection, (size_t)sent);
    piece->left -= (uint64_t)sent;
    if (piece->left == 0) {
        coh_pieces_drop_first(connection);
    }
    return sent;
}

ssize_t
coh_pieces_send(struct coh_connection *connection)
{
    const struct coh_scratch *scratch = connection->http->scratch;
    const struct coh_piece *piece;
    ssize_t sent = 0;

    while ((piece = TAILQ_FIRST(&connection->pieces)) != NULL && sent >= 0 &&
           scratch->turn_size < turn_max(piece)) {
        sent = send_first(connection);
    }
    return sent;
}
