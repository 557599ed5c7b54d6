/* Sends what waits: bytes by send, files by sendfile or by reading them. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "http/output.h"
#include "http/piece.h"
#include "http/request.h"
#include "http/request_log.h"

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

/* The file fails, not the client, who cannot be told why; 0: it has become
   shorter. What was promised cannot be kept. */
static ssize_t
fail_file(struct coh_connection *connection, int error)
{
    struct coh_connection_log log;

    cohort_error(
        connection->request != NULL ? cohort_request_log(connection->request)
                                    : coh_connection_log(&log, connection),
        "cannot send the rest of a file: %s",
        error == 0 ? "it has become shorter; replace files by renaming new "
                     "ones over them, do not truncate them"
                   : strerror(error));
    return -EIO;
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
        return fail_file(connection, got < 0 ? errno : 0);
    }
    sent = coh_stream_write(
        &connection->stream, batch, (size_t)got,
        !is_last || (uint64_t)got < piece->left);
    if (sent > 0) {
        piece->offset += sent;
    }
    return sent;
}

/* Who has failed, the socket or the file? Their errors may be the same. */
static bool
is_of_file(const struct coh_piece *piece, ssize_t error)
{
    char byte;

    return error < 0 && error != -EAGAIN && error != -EPIPE &&
        error != -ECONNRESET &&
        pread(piece->fd, &byte, sizeof(byte), piece->offset) <= 0;
}

static ssize_t
send_by_kernel(
    struct coh_connection *connection, struct coh_piece *piece, size_t size)
{
    ssize_t sent = coh_stream_sendfile(
        &connection->stream, piece->fd, &piece->offset, size);

    return sent == 0 || is_of_file(piece, sent)
        ? fail_file(connection, (int)-sent)
        : sent;
}

static ssize_t
send_file(struct coh_connection *connection, struct coh_piece *piece)
{
    uint64_t turn_left = piece->turn_max - connection->http->scratch->turn_size;
    size_t size = smaller(smaller(FILE_CALL_MAX, piece->left), turn_left);

    return piece->is_copied ? send_copy(connection, piece, size)
                            : send_by_kernel(connection, piece, size);
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
