/* A piece of output that waits: bytes in a buffer, or a range of a file. */
#ifndef COH_HTTP_PIECE_H
#define COH_HTTP_PIECE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "http/connection.h"

#define COH_PIECE_BUFFER_SIZE 16384

enum coh_piece_kind {
    COH_PIECE_MEMORY,
    COH_PIECE_FILE,
};

struct coh_piece {
    TAILQ_ENTRY(coh_piece) link;
    enum coh_piece_kind kind;
    bool is_copied;    /* of a file: read and sent, not by sendfile */
    int fd;            /* of a file; its owner's */
    off_t offset;      /* in the buffer or the file: what goes out next */
    uint64_t left;     /* bytes still to go out */
    uint64_t turn_max; /* of a file: the turn ends after these bytes */
    char *buffer;      /* COH_PIECE_BUFFER_SIZE, from the pool */
    void (*release)(void *object); /* of a file; NULL: nothing to call */
    void *object;
};

/* Queue a copy of data behind what waits; fills the last buffer first. */
void coh_pieces_add_memory(
    struct coh_connection *connection, const void *data, size_t size);

/* Queue a range of a file; range gives all but link, kind and buffer. */
void coh_pieces_add_file(
    struct coh_connection *connection, const struct coh_piece *range);

/* Send one after the other, while the batch is empty, as far as the socket
   takes it and the turn may go on (http/piece_send.c). -errno if the socket or
   a file fails, -EAGAIN if the socket is full; else not negative. */
ssize_t coh_pieces_send(struct coh_connection *connection);

/* Bytes that wait in all of them. */
uint64_t coh_pieces_size(const struct coh_connection *connection);

/* The first piece has gone out, or never will: take it from the queue and let
   go what it holds. */
void coh_pieces_drop_first(struct coh_connection *connection);

/* Drop all. */
void coh_pieces_clear(struct coh_connection *connection);

#endif
