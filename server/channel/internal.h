/* What the files of the channel share among themselves. */
#ifndef COH_SERVER_CHANNEL_INTERNAL_H
#define COH_SERVER_CHANNEL_INTERNAL_H

#include "server/channel/channel.h"

/* A packet as it is received. */
struct coh_received {
    _Alignas(COH_FRAME_ALIGN) unsigned char data[COH_PACKET_MAX];
    int fds[COH_FDPASS_MAX];
    size_t fd_count;
    bool is_robbed; /* descriptors were lost on the way in: none came */
};

/* Call a handler. True if the channel is still there and open after it. */
bool coh_channel_call(
    struct coh_channel *channel, coh_channel_handler *handler,
    struct coh_message *message);

/* Close, and tell the role. The channel may be freed after it. */
void coh_channel_end(struct coh_channel *channel);

/* Hand everything in a packet to its handlers, in order; without descriptors
   that were lost, if the rule of their frame says that they may be. The channel
   may be gone after it. */
void coh_channel_take_packet(
    struct coh_channel *channel, struct coh_received *received, size_t size);

/* When there is room again. */
void coh_channel_on_writable(evutil_socket_t fd, short what, void *user);

#endif
