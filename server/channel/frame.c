/* How frames lie in a packet: walked, never trusted. */
#include "server/channel/frame.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int
coh_packet_next(struct coh_packet *packet, struct coh_message *message)
{
    size_t left = packet->size - packet->offset;
    size_t fds_left = packet->fd_count - packet->fds_taken;
    struct coh_frame_header header;

    if (left == 0) {
        return fds_left == 0 ? 0 : -EPROTO;
    }
    if (left < sizeof(header)) {
        return -EPROTO;
    }
    memcpy(&header, packet->data + packet->offset, sizeof(header));
    if (header.version != COH_FRAME_VERSION ||
        header.size > left - sizeof(header) ||
        (header.fd_count > fds_left && !packet->is_robbed)) {
        return -EPROTO;
    }
    *message = (struct coh_message){
        .type = header.type,
        .data = packet->data + packet->offset + sizeof(header),
        .size = header.size,
        .fds = packet->fds + packet->fds_taken,
        .fd_count = packet->is_robbed ? 0 : header.fd_count,
        .lost_fd_count = packet->is_robbed ? header.fd_count : 0,
    };
    packet->fds_taken += message->fd_count;
    packet->offset += coh_frame_span(header.size);
    if (packet->offset > packet->size) {
        packet->offset = packet->size; /* the last one needs no padding */
    }
    return 1;
}

void
coh_fds_close(int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
            fds[i] = -1;
        }
    }
}
