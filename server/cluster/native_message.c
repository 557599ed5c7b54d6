/* A message is its bytes and a NUL, with its handle beside them. */
#include "server/cluster/native_message.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <cohort/log.h>

#include "server/cluster/frames.h"
#include "server/cluster/text.h"

int
coh_native_message_send(
    struct coh_channel *channel, struct cohort_str message, int fd,
    struct coh_outbox *outbox, uint64_t *mark)
{
    struct iovec parts[2] = {{.iov_len = message.size}, {.iov_len = 1}};
    char end = '\0';
    int result;

    if (channel->queue.byte_count + message.size >
        COH_QUEUE_BYTES_MAX - COH_CLUSTER_SPARE_SIZE) {
        return -ENOBUFS;
    }
    memcpy(&parts[0].iov_base, &message.data, sizeof(message.data));
    parts[1].iov_base = &end;
    result = coh_channel_sendv(
        channel, COH_CLUSTER_FRAME_MESSAGE, parts, 2, &fd, fd >= 0 ? 1 : 0);
    *mark = channel->queue.pushed_bytes;
    outbox->reached = channel->queue.sent_bytes;
    return result == 0 && channel->queue.byte_count >= COH_CLUSTER_PRESSURE_SIZE
        ? COHORT_BACKPRESSURE
        : result;
}

bool
coh_native_message_take(
    struct coh_channel *channel, struct coh_message *frame,
    enum cohort_serialization serialization, struct cohort_str *message,
    int *fd)
{
    *message = cohort_str_n(frame->data, frame->size - 1);
    if (message->data[message->size] != '\0' ||
        coh_message_check(serialization, *message) < 0) {
        coh_channel_reject(channel, "is no JSON");
        return false;
    }
    if (frame->lost_fd_count > 0) {
        cohort_warn(
            channel->log,
            "a handle from %s %" PRIu64
            " is lost: no descriptor is left for it",
            channel->role->peer, channel->peer_id);
    }
    *fd = -1;
    if (frame->fd_count > 0) {
        *fd = frame->fds[0];
        frame->fds[0] = -1;
    }
    return true;
}
