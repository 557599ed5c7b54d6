/* Packets that wait until the peer's socket has room; bounded. */
#ifndef COH_SERVER_CHANNEL_QUEUE_H
#define COH_SERVER_CHANNEL_QUEUE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/uio.h>

#include "server/channel/frame.h"

#define COH_QUEUE_BYTES_MAX (4 * 1024 * 1024)
#define COH_QUEUE_FDS_MAX 1024

struct coh_queued;

struct coh_queue {
    TAILQ_HEAD(coh_queued_list, coh_queued) packets;
    size_t byte_count;
    size_t fd_count;
    uint64_t pushed_bytes; /* ever; what was pushed has been sent when */
    uint64_t sent_bytes;   /* these have come up to those of then */
};

void coh_queue_init(struct coh_queue *queue);
void coh_queue_fini(struct coh_queue *queue);

/*
 * Append one frame, to the last packet if it fits there. Long frames are cut
 * into fragments; descriptors go with the last. They are duplicated.
 *
 * Returns  0; -EMSGSIZE; -ENOBUFS; -EMFILE; -ENOMEM. All or nothing.
 */
int coh_queue_push(
    struct coh_queue *queue, uint16_t type, const struct iovec *parts,
    size_t part_count, const int *fds, size_t fd_count);

/* Send from the front: 0 when empty, -EAGAIN, -EPIPE or another -errno. */
int coh_queue_send(struct coh_queue *queue, int socket);

#endif
