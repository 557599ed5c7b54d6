/* The native codec, the member's side. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/shm.h"
#include "core/socket.h"
#include "server/accept/listener.h"
#include "server/channel/message.h"
#include "server/cluster/inspect.h"
#include "server/cluster/listening.h"
#include "server/cluster/native_message.h"
#include "server/cluster/orphan.h"
#include "server/cluster/self.h"

/* States of the channel: NEW until the primary's first words, which it said
   before this program was started. */
#define STARTED (COH_CHANNEL_NEW << 1)

/* --- what comes ----------------------------------------------------------- */

static void
on_start(struct coh_channel *channel, struct coh_message *message)
{
    const struct coh_cluster_start *start = message->data;
    struct coh_cluster_self *self = channel->user;

    if (start->protocol != COH_CLUSTER_PROTOCOL) {
        coh_channel_reject(
            channel,
            "speaks another protocol: link the program with the same "
            "version of libcohort");
        return;
    }
    self->words = coh_shm_map(message->fds[0], sizeof(*self->words));
    if (self->words == NULL) {
        coh_channel_reject(channel, "brings memory that cannot be mapped");
        return;
    }
    self->abilities = start->abilities;
    self->is_held = (start->abilities & COH_CLUSTER_HOLDS) != 0;
    self->self.id = start->id;
    self->watchdog_ms = start->watchdog_ms;
    self->serialization = (enum cohort_serialization)start->serialization;
    channel->state = STARTED;
    if (start->inspect_port > 0) {
        coh_inspect_open(self, start->inspect_port);
    }
}

static void
on_answer(struct coh_channel *channel, struct coh_message *message)
{
    const struct coh_cluster_answer *frame = message->data;
    struct coh_cluster_self *self = channel->user;
    struct cohort_listening *listening =
        coh_listening_of_request(self, frame->request);
    char why[COH_LISTENER_WHY_MAX];
    size_t size = message->size - sizeof(*frame);
    struct coh_listening_answer answer = {
        .result = frame->result,
        .why = why,
        .number = frame->number,
        .policy = (enum cohort_policy)frame->policy,
        .bound = frame->bound,
        .fd = -1,
    };

    if (listening == NULL || frame->seat >= COH_SEATS_MAX ||
        size >= sizeof(why)) {
        coh_channel_reject(channel, "answers what was not asked");
        return;
    }
    memcpy(why, frame + 1, size);
    why[size] = '\0';
    if (message->lost_fd_count > 0) {
        if (frame->result == 0) {
            /* The primary thinks that we listen: nobody would accept there. */
            listening->number = frame->number;
            self->codec->closed(listening);
            listening->number = 0;
        }
        answer.result = -EMFILE;
        snprintf(why, sizeof(why), "no descriptor is left for the socket");
    } else if (message->fd_count > 0) {
        answer.fd = message->fds[0];
        message->fds[0] = -1;
    }
    answer.words = &self->words->seats[frame->seat];
    if (message->fd_count > 1 && frame->turn < frame->turn_count) {
        answer.turns = message->fds[1];
        answer.turn = frame->turn;
        answer.turn_count = frame->turn_count;
    }
    coh_listening_answered(listening, &answer);
}

static void
on_secret(struct coh_channel *channel, struct coh_message *message)
{
    const struct coh_cluster_secret_answer *frame = message->data;
    int result = message->lost_fd_count > 0 ? -EMFILE : frame->result;
    int fd = message->fd_count > 0 ? message->fds[0] : -1;

    if ((result == 0 && fd < 0) || result == -EAGAIN || result > 0 ||
        coh_asked_answer(channel->user, frame->index, result, fd) < 0) {
        coh_channel_reject(channel, "brings a secret that is none");
    }
}

/* All of a frame are for one address; the intake has but that one. */
static void
on_connections(struct coh_channel *channel, struct coh_message *message)
{
    struct coh_frame_connection offers[COH_HANDOFF_WINDOW];
    struct coh_cluster_self *self = channel->user;
    struct coh_message copy = *message;
    struct cohort_listening *listening;
    size_t count = message->size / sizeof(offers[0]);

    memcpy(offers, message->data, message->size);
    listening = coh_listening_of_number(self, offers[0].listener);
    if (listening == NULL) {
        return; /* closed meanwhile; the primary will know and offer it anew */
    }
    for (size_t i = 0; i < count; i++) {
        offers[i].listener =
            offers[i].listener == listening->number ? 0 : UINT32_MAX;
    }
    copy.data = offers;
    coh_intake_offered(&listening->intake, &copy);
}

static void
on_release(struct coh_channel *channel, struct coh_message *message)
{
    (void)message;
    coh_listenings_release(channel->user);
}

static void
on_leave(struct coh_channel *channel, struct coh_message *message)
{
    (void)message;
    coh_self_leave(channel->user);
}

static void
on_allowed(struct coh_channel *channel, struct coh_message *message)
{
    (void)message;
    coh_self_allowed(channel->user);
}

static void
on_message(struct coh_channel *channel, struct coh_message *message)
{
    struct coh_cluster_self *self = channel->user;
    struct cohort_str text;
    int fd;

    if (coh_native_message_take(
            channel, message, self->serialization, &text, &fd)) {
        coh_self_message(self, text, &fd);
        if (fd >= 0) {
            close(fd);
        }
    }
}

static void
on_gone(struct coh_channel *channel, struct coh_message *message)
{
    (void)message;
    coh_self_lost(channel->user);
}

static void
on_sent(struct coh_channel *channel, struct coh_message *message)
{
    struct coh_cluster_self *self = channel->user;

    (void)message;
    coh_outbox_reach(&self->outbox, channel->queue.sent_bytes);
    if (!coh_channel_is_pending(channel)) {
        coh_self_parted(self);
    }
}

static const struct coh_channel_rule rules[] = {
    {
        .type = COH_CLUSTER_FRAME_START,
        .name = "start",
        .states = COH_CHANNEL_NEW,
        .min_size = sizeof(struct coh_cluster_start),
        .max_size = sizeof(struct coh_cluster_start),
        .min_fds = 1,
        .max_fds = 1,
        .handle = on_start,
    },
    {
        .type = COH_CLUSTER_FRAME_ANSWER,
        .name = "answer",
        .states = STARTED,
        .min_size = sizeof(struct coh_cluster_answer),
        .max_size = sizeof(struct coh_cluster_answer) + COH_LISTENER_WHY_MAX,
        .max_fds = 2,
        .may_lose_fds = true,
        .handle = on_answer,
    },
    {
        .type = COH_FRAME_CONNECTIONS,
        .name = "connections",
        .states = STARTED,
        .min_size = sizeof(struct coh_frame_connection),
        .max_size = COH_HANDOFF_WINDOW * sizeof(struct coh_frame_connection),
        .max_fds = COH_HANDOFF_WINDOW,
        .may_lose_fds = true,
        .handle = on_connections,
    },
    {
        .type = COH_CLUSTER_FRAME_SECRET,
        .name = "secret",
        .states = STARTED,
        .min_size = sizeof(struct coh_cluster_secret_answer),
        .max_size = sizeof(struct coh_cluster_secret_answer),
        .max_fds = 1,
        .may_lose_fds = true,
        .handle = on_secret,
    },
    {
        .type = COH_CLUSTER_FRAME_RELEASE,
        .name = "release",
        .states = STARTED,
        .handle = on_release,
    },
    {
        .type = COH_CLUSTER_FRAME_LEAVE,
        .name = "leave",
        .states = STARTED,
        .handle = on_leave,
    },
    {
        .type = COH_CLUSTER_FRAME_ALLOWED,
        .name = "allowed",
        .states = STARTED,
        .handle = on_allowed,
    },
    {
        COH_NATIVE_MESSAGE_RULE,
        .states = STARTED,
        .handle = on_message,
    },
};

static const struct coh_channel_role role = {
    .peer = "primary",
    .rules = rules,
    .rule_count = sizeof(rules) / sizeof(rules[0]),
    .gone = on_gone,
    .sent = on_sent,
};

/* --- the line ------------------------------------------------------------- */

/* During the opening the end of the channel is a failure like any other. */
static void
on_early_end(struct coh_channel *channel, struct coh_message *message)
{
    (void)channel;
    (void)message;
}

static int
wait_for_start(struct coh_cluster_self *self)
{
    struct coh_channel_role early = role;
    int result;

    early.gone = on_early_end;
    self->native.role = &early;
    /* It has been there since before we were: this does not wait. */
    result =
        coh_channel_wait_for(&self->native, COH_CLUSTER_FRAME_START, 10000);
    self->native.role = &role;
    return result;
}

static int
native_open(struct coh_cluster_self *self, int fd)
{
    const struct coh_cluster_hello hello = {
        .protocol = COH_CLUSTER_PROTOCOL,
        .abilities = COH_CLUSTER_TAKES_TURNS | COH_CLUSTER_CAN_WAIT,
    };
    int result;

    coh_fd_set_nonblocking(fd, true);
    result = coh_channel_init(
        &self->native, &self->self.loop, fd, &role, self, self->self.log);
    if (result == 0) {
        (void)coh_orphan_prepare(); /* without it, it dies sooner */
        result = wait_for_start(self);
    }
    if (result == 0) {
        result = coh_channel_send(
            &self->native, COH_CLUSTER_FRAME_HELLO, &hello, sizeof(hello));
    }
    if (result < 0) {
        coh_channel_fini(&self->native);
    }
    return result;
}

static void
native_close(struct coh_cluster_self *self)
{
    coh_channel_fini(&self->native);
}

static bool
native_flush(struct coh_cluster_self *self)
{
    int result = coh_channel_flush(&self->native);

    coh_outbox_reach(&self->outbox, self->native.queue.sent_bytes);
    return result != -EAGAIN;
}

static int
native_send(
    struct coh_cluster_self *self, struct cohort_str message, int fd,
    uint64_t *mark)
{
    return coh_native_message_send(
        &self->native, message, fd, &self->outbox, mark);
}

static int
native_query(struct cohort_listening *listening)
{
    const struct coh_cluster_query frame = {
        .request = listening->request,
        .query = listening->query,
    };

    return coh_channel_send(
        &listening->self->native, COH_CLUSTER_FRAME_QUERY, &frame,
        sizeof(frame));
}

static void
tell_site(const struct cohort_listening *listening, uint16_t type)
{
    const struct coh_cluster_site frame = {.number = listening->number};

    coh_self_must_be_heard(
        listening->self,
        coh_channel_send(
            &listening->self->native, type, &frame, sizeof(frame)));
}

static void
native_listening(struct cohort_listening *listening)
{
    tell_site(listening, COH_CLUSTER_FRAME_LISTENING);
}

static void
native_closed(struct cohort_listening *listening)
{
    tell_site(listening, COH_CLUSTER_FRAME_CLOSE);
}

static int
native_ask_secret(
    struct coh_cluster_self *self, uint32_t index, struct cohort_str name,
    uint32_t size, uint64_t rotate_s)
{
    struct coh_cluster_secret_query frame = {
        .index = index,
        .size = size,
        .rotate_s = rotate_s,
    };
    struct iovec parts[] = {
        {.iov_base = &frame, .iov_len = sizeof(frame)},
        {.iov_len = name.size},
    };

    if ((self->abilities & COH_CLUSTER_MAKES_SECRETS) == 0) {
        return -EOPNOTSUPP; /* it is an older build */
    }
    memcpy(&parts[1].iov_base, &name.data, sizeof(name.data));
    return coh_channel_sendv(
        &self->native, COH_CLUSTER_FRAME_SECRET, parts, 2, NULL, 0);
}

static int
native_announce(struct coh_cluster_self *self, bool is_kill)
{
    const struct coh_cluster_leaving frame = {.is_kill = is_kill};

    return coh_channel_send(
        &self->native, COH_CLUSTER_FRAME_LEAVING, &frame, sizeof(frame));
}

const struct coh_self_codec coh_self_native = {
    .open = native_open,
    .close = native_close,
    .flush = native_flush,
    .send = native_send,
    .query = native_query,
    .listening = native_listening,
    .closed = native_closed,
    .ask_secret = native_ask_secret,
    .announce = native_announce,
};
