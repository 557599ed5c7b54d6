/* How frames lie in a packet: a header, then its bytes, then the next one. */
#ifndef COH_SERVER_CHANNEL_FRAME_H
#define COH_SERVER_CHANNEL_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/fdpass.h"

#define COH_FRAME_VERSION 1

/* A packet is one message of the socket and holds whole frames. */
#define COH_PACKET_MAX (32 * 1024)

/* Each frame begins at a multiple of this, so that its bytes are aligned. */
#define COH_FRAME_ALIGN 8

/* The largest message; longer than a packet, it travels in fragments. */
#define COH_MESSAGE_MAX (1024 * 1024)

struct coh_frame_header {
    uint32_t size; /* of the bytes behind the header */
    uint16_t type; /* enum coh_frame_type */
    uint8_t version;
    uint8_t fd_count; /* of the packet's descriptors, in order, are its own */
};

/* The bytes of a COH_FRAME_FRAGMENT: this, then a part of a whole frame, its
   header included. Fragments of one frame follow each other. */
struct coh_frame_fragment {
    uint32_t total;  /* of the whole frame, its header included */
    uint32_t offset; /* where this part stands */
};

/* A frame as it is handed to whoever handles its type. */
struct coh_message {
    uint16_t type;
    const void *data; /* valid until the handler returns; aligned by
                         COH_FRAME_ALIGN */
    size_t size;
    int *fds; /* a handler that keeps one writes -1 in its place; the rest is
                 closed when it returns */
    size_t fd_count;
    size_t lost_fd_count; /* this process had no room for them: they are gone
                             (only for rules that say may_lose_fds) */
};

static inline size_t
coh_frame_aligned(size_t size)
{
    return (size + COH_FRAME_ALIGN - 1) / COH_FRAME_ALIGN * COH_FRAME_ALIGN;
}

/* What a frame of size bytes takes up in a packet. */
static inline size_t
coh_frame_span(size_t size)
{
    return coh_frame_aligned(sizeof(struct coh_frame_header) + size);
}

/* A received packet, and how far it has been read. */
struct coh_packet {
    const unsigned char *data; /* aligned by COH_FRAME_ALIGN */
    size_t size;
    int *fds;
    size_t fd_count;
    bool is_robbed;   /* this process had no room for its descriptors */
    size_t offset;    /* of the next frame */
    size_t fds_taken; /* by the frames before it */
};

/*
 * The next frame of a packet. message->data points into the packet. What a
 * robbed one has lost stands in message->lost_fd_count.
 *
 * Returns  1; 0 after the last one; -EPROTO when what is there is no frame or
 *          the descriptors do not add up.
 */
int coh_packet_next(struct coh_packet *packet, struct coh_message *message);

/* Close what nobody took of count descriptors (those that are not -1). */
void coh_fds_close(int *fds, size_t count);

#endif
