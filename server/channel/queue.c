/* Packets that wait until the peer's socket has room; bounded. */
#include "server/channel/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/channel/message.h"

struct coh_queued {
    TAILQ_ENTRY(coh_queued) link;
    size_t size;
    size_t room;
    size_t fd_count;
    int fds[COH_FDPASS_MAX];
    unsigned char data[]; /* room bytes */
};

/* Small frames share a packet of this size. */
#define SHARED_ROOM 1024

void
coh_queue_init(struct coh_queue *queue)
{
    TAILQ_INIT(&queue->packets);
    queue->byte_count = 0;
    queue->fd_count = 0;
    queue->pushed_bytes = 0;
    queue->sent_bytes = 0;
}

static struct coh_queued *
packet_new(size_t room)
{
    struct coh_queued *packet = malloc(sizeof(*packet) + room);

    if (packet != NULL) {
        packet->size = 0;
        packet->room = room;
        packet->fd_count = 0;
    }
    return packet;
}

static void
packet_free(struct coh_queued *packet)
{
    coh_fds_close(packet->fds, packet->fd_count);
    free(packet);
}

static void
drop_first(struct coh_queue *queue)
{
    struct coh_queued *first = TAILQ_FIRST(&queue->packets);

    TAILQ_REMOVE(&queue->packets, first, link);
    queue->byte_count -= first->size;
    queue->sent_bytes += first->size;
    queue->fd_count -= first->fd_count;
    packet_free(first);
}

void
coh_queue_fini(struct coh_queue *queue)
{
    while (!TAILQ_EMPTY(&queue->packets)) {
        drop_first(queue);
    }
}

static size_t
total_of(const struct iovec *parts, size_t part_count)
{
    size_t total = 0;

    for (size_t i = 0; i < part_count; i++) {
        if (parts[i].iov_len > COH_MESSAGE_MAX - total) {
            return COH_MESSAGE_MAX + 1;
        }
        total += parts[i].iov_len;
    }
    return total;
}

/* Write a header at the packet's end; what follows it is put there next. */
static void
put_header(
    struct coh_queued *packet, uint16_t type, size_t size, size_t fd_count)
{
    struct coh_frame_header header = {
        .size = (uint32_t)size,
        .type = type,
        .version = COH_FRAME_VERSION,
        .fd_count = (uint8_t)fd_count,
    };
    size_t start = coh_frame_aligned(packet->size);

    memset(packet->data + packet->size, 0, start - packet->size);
    memcpy(packet->data + start, &header, sizeof(header));
    packet->size = start + sizeof(header);
}

static void
put(struct coh_queued *packet, const void *data, size_t size)
{
    if (size > 0) {
        memcpy(packet->data + packet->size, data, size);
        packet->size += size;
    }
}

static void
put_parts(
    struct coh_queued *packet, const struct iovec *parts, size_t part_count)
{
    for (size_t i = 0; i < part_count; i++) {
        put(packet, parts[i].iov_base, parts[i].iov_len);
    }
}

/* All or none of them. */
static int
put_fds(struct coh_queued *packet, const int *fds, size_t fd_count)
{
    size_t before = packet->fd_count;

    for (size_t i = 0; i < fd_count; i++) {
        int copy = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);

        if (copy < 0) {
            int reason = -errno;

            coh_fds_close(packet->fds + before, packet->fd_count - before);
            packet->fd_count = before;
            return reason;
        }
        packet->fds[packet->fd_count++] = copy;
    }
    return 0;
}

static void
append(struct coh_queue *queue, struct coh_queued *packet)
{
    TAILQ_INSERT_TAIL(&queue->packets, packet, link);
    queue->byte_count += packet->size;
    queue->fd_count += packet->fd_count;
}

static bool
has_room(const struct coh_queued *packet, size_t size, size_t fd_count)
{
    return packet != NULL &&
        coh_frame_aligned(packet->size) + coh_frame_span(size) <=
        packet->room &&
        packet->fd_count + fd_count <= COH_FDPASS_MAX;
}

static int
push_short(
    struct coh_queue *queue, uint16_t type, const struct iovec *parts,
    size_t part_count, size_t size, const int *fds, size_t fd_count)
{
    struct coh_queued *packet = TAILQ_LAST(&queue->packets, coh_queued_list);
    bool is_shared = has_room(packet, size, fd_count);
    size_t room = coh_frame_span(size);
    size_t before;
    int result;

    if (!is_shared) {
        packet = packet_new(room > SHARED_ROOM ? room : SHARED_ROOM);
        if (packet == NULL) {
            return -ENOMEM;
        }
    }
    result = put_fds(packet, fds, fd_count);
    if (result < 0) {
        if (!is_shared) {
            packet_free(packet);
        }
        return result;
    }
    before = packet->size;
    put_header(packet, type, size, fd_count);
    put_parts(packet, parts, part_count);
    if (is_shared) {
        queue->byte_count += packet->size - before;
        queue->fd_count += fd_count;
    } else {
        append(queue, packet);
    }
    return 0;
}

/* The part of a whole frame that one packet can carry. */
#define FRAGMENT_MAX                                                           \
    (COH_PACKET_MAX - sizeof(struct coh_frame_header) -                        \
     sizeof(struct coh_frame_fragment))

/* Cut a whole frame into packets of one fragment each. */
static int
cut(struct coh_queue *queue, const struct coh_queued *whole, const int *fds,
    size_t fd_count)
{
    for (size_t offset = 0; offset < whole->size;) {
        size_t left = whole->size - offset;
        bool is_last = left <= FRAGMENT_MAX;
        size_t size = is_last ? left : FRAGMENT_MAX;
        struct coh_frame_fragment fragment = {
            .total = (uint32_t)whole->size,
            .offset = (uint32_t)offset,
        };
        struct coh_queued *packet =
            packet_new(coh_frame_span(sizeof(fragment) + size));
        int result = packet == NULL ? -ENOMEM : 0;

        if (result == 0 && is_last) {
            result = put_fds(packet, fds, fd_count);
        }
        if (result < 0) {
            free(packet);
            return result;
        }
        put_header(
            packet, COH_FRAME_FRAGMENT, sizeof(fragment) + size,
            packet->fd_count);
        put(packet, &fragment, sizeof(fragment));
        put(packet, whole->data + offset, size);
        append(queue, packet);
        offset += size;
    }
    return 0;
}

static int
push_long(
    struct coh_queue *queue, uint16_t type, const struct iovec *parts,
    size_t part_count, size_t size, const int *fds, size_t fd_count)
{
    struct coh_queued *whole = packet_new(coh_frame_span(size));
    struct coh_queue fragments;
    int result;

    if (whole == NULL) {
        return -ENOMEM;
    }
    put_header(whole, type, size, fd_count);
    put_parts(whole, parts, part_count);
    coh_queue_init(&fragments);
    result = cut(&fragments, whole, fds, fd_count);
    free(whole);
    if (result < 0) {
        coh_queue_fini(&fragments);
        return result;
    }
    queue->byte_count += fragments.byte_count;
    queue->fd_count += fragments.fd_count;
    TAILQ_CONCAT(&queue->packets, &fragments.packets, link);
    return 0;
}

int
coh_queue_push(
    struct coh_queue *queue, uint16_t type, const struct iovec *parts,
    size_t part_count, const int *fds, size_t fd_count)
{
    size_t size = total_of(parts, part_count);
    size_t before = queue->byte_count;
    int result;

    if (size > COH_MESSAGE_MAX || fd_count > COH_FDPASS_MAX) {
        return -EMSGSIZE;
    }
    if (queue->byte_count + size > COH_QUEUE_BYTES_MAX ||
        queue->fd_count + fd_count > COH_QUEUE_FDS_MAX) {
        return -ENOBUFS;
    }
    result = coh_frame_span(size) > COH_PACKET_MAX
        ? push_long(queue, type, parts, part_count, size, fds, fd_count)
        : push_short(queue, type, parts, part_count, size, fds, fd_count);
    queue->pushed_bytes += queue->byte_count - before;
    return result;
}

int
coh_queue_send(struct coh_queue *queue, int socket)
{
    struct coh_queued *first;

    while ((first = TAILQ_FIRST(&queue->packets)) != NULL) {
        struct iovec part = {.iov_base = first->data, .iov_len = first->size};
        ssize_t sent =
            coh_fds_send(socket, &part, 1, first->fds, first->fd_count);

        if (sent < 0) {
            return (int)sent;
        }
        drop_first(queue);
    }
    return 0;
}
