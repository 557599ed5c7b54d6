/* What the primary says to a worker, frame by frame.

   States of the channel: NEW until the primary's hello, OPEN until START,
   SERVING until DRAIN, LEAVING to the end. */
#include "server/process/worker_frames.h"

#include <cohort/cluster.h>
#include <cohort/log.h>

#include "server/channel/message.h"
#include "server/process/frames.h"
#include "server/process/secret.h"
#include "server/process/self.h"

enum {
    OPEN = COH_CHANNEL_NEW << 1,
    SERVING = OPEN << 1,
    LEAVING = SERVING << 1,
};

/* Without a primary: long enough for requests in progress, and over before the
   alarm of on_parent_death (worker.c). */
#define ORPHAN_LIMIT_MS 700

static void
on_hello(struct coh_channel *channel, struct coh_message *message)
{
    if (coh_hello_check(message->data) < 0) {
        coh_channel_reject(channel, "is of another build");
        return;
    }
    channel->state = OPEN;
}

static void
on_listeners(struct coh_channel *channel, struct coh_message *message)
{
    struct cohort_self *self = channel->user;
    const struct coh_frame_listener *listeners = message->data;
    size_t count = message->size / sizeof(*listeners);
    size_t fds_taken = 0;

    for (size_t i = 0; i < count; i++) {
        uint32_t index = listeners[i].index;
        int fd = -1;

        if (index >= self->load->listener_count) {
            coh_channel_reject(channel, "names a listener that is none");
            return;
        }
        if (listeners[i].has_fd && fds_taken < message->fd_count) {
            fd = message->fds[fds_taken];
            message->fds[fds_taken++] = -1;
        }
        coh_intake_set(
            &self->intake, index, (enum cohort_policy)listeners[i].policy,
            &self->load->listeners[index].address, fd,
            self->load->listeners[index].user);
    }
}

static void
on_start(struct coh_channel *channel, struct coh_message *message)
{
    struct cohort_self *self = channel->user;

    (void)message;
    channel->state = SERVING;
    if (coh_intake_start(&self->intake) < 0) {
        self->status = 1;
        coh_self_quit(self);
    }
}

static void
on_connections(struct coh_channel *channel, struct coh_message *message)
{
    struct cohort_self *self = channel->user;

    coh_loop_update(&self->loop);
    coh_intake_offered(&self->intake, message);
}

static void
on_reopen(struct coh_channel *channel, struct coh_message *message)
{
    const struct coh_frame_reopen *frame = message->data;

    if (message->lost_fd_count > 0) {
        coh_self_miss_files(channel->user);
        return;
    }
    if (frame->count != message->fd_count) {
        coh_channel_reject(channel, "has not the descriptors that it names");
        return;
    }
    coh_self_reopen(
        channel->user, frame->files, message->fds, message->fd_count);
}

static void
on_secret(struct coh_channel *channel, struct coh_message *message)
{
    const struct coh_frame_answer *frame = message->data;
    struct cohort_self *self = channel->user;

    if (frame->index >= self->load->secret_count ||
        self->load->secrets[frame->index].area) {
        coh_channel_reject(channel, "brings a secret that is none");
        return;
    }
    self->load->secrets[frame->index].area = coh_secret_map(message->fds[0]);
    if (!self->load->secrets[frame->index].area) {
        coh_channel_reject(channel, "brings a secret that cannot be mapped");
    }
}

/* A NUL stands behind the value, so that services may read it as a text. */
static void
on_message(struct coh_channel *channel, struct coh_message *message)
{
    struct cohort_self *self = channel->user;
    const char *text = message->data;

    if (text[message->size - 1] != '\0') {
        coh_channel_reject(channel, "has no end");
        return;
    }
    coh_loop_update(&self->loop);
    coh_self_deliver(self, text, message->size - 1);
}

void
coh_worker_say_draining(struct cohort_self *self)
{
    /* If it fails, the primary is gone, or waits a little longer. */
    coh_channel_send(self->channel, COH_FRAME_DRAINING, NULL, 0);
}

static void
on_drain(struct coh_channel *channel, struct coh_message *message)
{
    const struct coh_frame_drain *frame = message->data;

    channel->state = LEAVING;
    coh_self_drain_by(channel->user, frame->limit_ms);
    coh_worker_say_draining(channel->user);
}

static void
on_gone(struct coh_channel *channel, struct coh_message *message)
{
    struct cohort_self *self = channel->user;

    (void)message;
    cohort_alert(self->log, "the primary is gone, leaving");
    coh_self_drain_within(self, ORPHAN_LIMIT_MS);
}

static const struct coh_channel_rule rules[] = {
    {
        .type = COH_FRAME_HELLO,
        .name = "hello",
        .states = COH_CHANNEL_NEW,
        .min_size = sizeof(struct coh_frame_hello),
        .max_size = sizeof(struct coh_frame_hello),
        .handle = on_hello,
    },
    {
        .type = COH_FRAME_LISTENERS,
        .name = "listeners",
        .states = OPEN,
        .min_size = sizeof(struct coh_frame_listener),
        .max_size = COH_LOAD_LISTENERS_MAX * sizeof(struct coh_frame_listener),
        .max_fds = COH_FDPASS_MAX,
        .handle = on_listeners,
    },
    {
        .type = COH_FRAME_SECRET_OPEN,
        .name = "secret",
        .states = OPEN,
        .min_size = sizeof(struct coh_frame_answer),
        .max_size = sizeof(struct coh_frame_answer),
        .min_fds = 1,
        .max_fds = 1,
        .handle = on_secret,
    },
    {
        .type = COH_FRAME_START,
        .name = "start",
        .states = OPEN,
        .handle = on_start,
    },
    {
        .type = COH_FRAME_CONNECTIONS,
        .name = "connections",
        .states = SERVING | LEAVING,
        .min_size = sizeof(struct coh_frame_connection),
        .max_size = COH_HANDOFF_WINDOW * sizeof(struct coh_frame_connection),
        .max_fds = COH_HANDOFF_WINDOW,
        .may_lose_fds = true,
        .handle = on_connections,
    },
    {
        .type = COH_FRAME_REOPEN,
        .name = "reopen",
        .states = OPEN | SERVING | LEAVING,
        .min_size = sizeof(struct coh_frame_reopen),
        .max_size = sizeof(struct coh_frame_reopen),
        .max_fds = COH_FDPASS_MAX,
        .may_lose_fds = true,
        .handle = on_reopen,
    },
    {
        .type = COH_FRAME_MESSAGE,
        .name = "message",
        .states = OPEN | SERVING | LEAVING,
        .min_size = 2,
        .max_size = COHORT_MESSAGE_MAX + 1,
        .handle = on_message,
    },
    {
        .type = COH_FRAME_DRAIN,
        .name = "drain",
        .states = OPEN | SERVING | LEAVING,
        .min_size = sizeof(struct coh_frame_drain),
        .max_size = sizeof(struct coh_frame_drain),
        .handle = on_drain,
    },
};

const struct coh_channel_role coh_worker_self_role = {
    .peer = "primary",
    .rules = rules,
    .rule_count = sizeof(rules) / sizeof(rules[0]),
    .gone = on_gone,
};
