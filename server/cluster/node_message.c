/* What a handle is called, and when a message has left. */
#include "server/cluster/node_message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/event.h"
#include "server/cluster/frames.h"
#include "server/cluster/node_address.h"

#define LOOK_MS 10

static void
look(struct coh_node_sending *sending)
{
    if (sending->channel->queue.byte_count == 0) {
        coh_outbox_reach(sending->outbox, sending->count);
    } else {
        coh_event_add_ms(&sending->look, LOOK_MS);
    }
}

static void
on_look(evutil_socket_t fd, short what, void *user)
{
    (void)fd;
    (void)what;
    look(user);
}

void
coh_node_sending_init(
    struct coh_node_sending *sending, struct coh_node_channel *channel,
    struct coh_outbox *outbox, struct coh_loop *loop)
{
    *sending = (struct coh_node_sending){.channel = channel, .outbox = outbox};
    event_assign(&sending->look, loop->base, -1, 0, on_look, sending);
}

void
coh_node_sending_fini(struct coh_node_sending *sending)
{
    event_del(&sending->look);
}

void
coh_node_sending_settle(struct coh_node_sending *sending)
{
    const struct coh_node_channel *channel = sending->channel;

    if (channel->fd >= 0 ? channel->queue.byte_count == 0 : channel->has_left) {
        coh_outbox_reach(sending->outbox, sending->count);
    }
}

int
coh_node_message_send(
    struct coh_node_sending *sending, struct cohort_str message, int fd,
    uint64_t *mark)
{
    struct coh_node_pass pass = {.fd = fd};
    int result;

    if (sending->channel->queue.byte_count + message.size >
        COH_NODE_QUEUE_BYTES_MAX - COH_CLUSTER_SPARE_SIZE) {
        return -ENOBUFS;
    }
    if (fd >= 0) {
        pass.handle = coh_node_handle_of(fd);
        pass.is_retried = pass.handle == COH_NODE_NET_SOCKET;
    }
    result = coh_node_channel_send(
        sending->channel, message, fd >= 0 ? &pass : NULL);
    if (result < 0) {
        return result;
    }
    *mark = ++sending->count;
    look(sending);
    return result == COH_NODE_PRESSURE ? COHORT_BACKPRESSURE : 0;
}

char *
coh_node_message_copy(struct cohort_str text)
{
    char *copy = malloc(text.size + 1);

    if (copy != NULL) {
        memcpy(copy, text.data, text.size);
        copy[text.size] = '\0';
    }
    return copy;
}
