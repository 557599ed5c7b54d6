/* A piece of output that waits: bytes in a buffer, or a range of a file. */
#include "http/piece.h"

#include <string.h>

#include "core/check.h"
#include "http/service.h"

static void *
take(struct coh_pool *pool)
{
    void *item = coh_pool_take(pool);

    if (item == NULL) {
        coh_die_memory(pool->item_size);
    }
    return item;
}

static struct coh_piece *
append(struct coh_connection *connection, enum coh_piece_kind kind)
{
    struct coh_piece *piece = take(&connection->http->piece_pool);

    *piece = (struct coh_piece){.kind = kind};
    TAILQ_INSERT_TAIL(&connection->pieces, piece, link);
    return piece;
}

/* The last piece, if bytes can be put behind what it holds. */
static struct coh_piece *
last_with_room(struct coh_connection *connection)
{
    struct coh_piece *last = TAILQ_LAST(&connection->pieces, coh_piece_queue);

    if (last == NULL || last->kind != COH_PIECE_MEMORY ||
        (uint64_t)last->offset + last->left == COH_PIECE_BUFFER_SIZE) {
        return NULL;
    }
    return last;
}

void
coh_pieces_add_memory(
    struct coh_connection *connection, const void *data, size_t size)
{
    const char *from = data;

    while (size > 0) {
        struct coh_piece *piece = last_with_room(connection);
        size_t end;
        size_t part;

        if (piece == NULL) {
            piece = append(connection, COH_PIECE_MEMORY);
            piece->buffer = take(&connection->http->buffer_pool);
        }
        end = (size_t)piece->offset + (size_t)piece->left;
        part = COH_PIECE_BUFFER_SIZE - end;
        part = part < size ? part : size;
        memcpy(piece->buffer + end, from, part);
        piece->left += part;
        from += part;
        size -= part;
    }
}

void
coh_pieces_add_file(
    struct coh_connection *connection, const struct coh_piece *range)
{
    struct coh_piece *piece = append(connection, COH_PIECE_FILE);

    piece->is_copied = range->is_copied;
    piece->fd = range->fd;
    piece->offset = range->offset;
    piece->left = range->left;
    piece->turn_max = range->turn_max;
    piece->release = range->release;
    piece->object = range->object;
}

uint64_t
coh_pieces_size(const struct coh_connection *connection)
{
    uint64_t size = 0;
    const struct coh_piece *piece;

    TAILQ_FOREACH (piece, &connection->pieces, link) {
        size += piece->left;
    }
    return size;
}

void
coh_pieces_drop_first(struct coh_connection *connection)
{
    struct coh_piece *piece = TAILQ_FIRST(&connection->pieces);

    TAILQ_REMOVE(&connection->pieces, piece, link);
    if (piece->buffer != NULL) {
        coh_pool_give(&connection->http->buffer_pool, piece->buffer);
    }
    if (piece->release != NULL) {
        piece->release(piece->object);
    }
    coh_pool_give(&connection->http->piece_pool, piece);
}

void
coh_pieces_clear(struct coh_connection *connection)
{
    while (!TAILQ_EMPTY(&connection->pieces)) {
        coh_pieces_drop_first(connection);
    }
}
