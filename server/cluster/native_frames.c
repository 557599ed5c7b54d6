/* What a native member says, frame by frame. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/channel/channel.h"
#include "server/channel/message.h"
#include "server/cluster/cluster.h"
#include "server/cluster/frames.h"
#include "server/cluster/member.h"
#include "server/cluster/native.h"
#include "server/cluster/native_message.h"
#include "server/cluster/secrets.h"
#include "server/cluster/site.h"
#include "server/process/secret.h"

/* States of the channel: NEW until its hello. */
#define CONNECTED (COH_CHANNEL_NEW << 1)

static void
on_hello(struct coh_channel *channel, struct coh_message *message)
{
    const struct coh_cluster_hello *hello = message->data;
    struct cohort_worker *member = channel->user;
    struct coh_native *native = member->line;

    if (hello->protocol != COH_CLUSTER_PROTOCOL) {
        coh_channel_reject(
            channel,
            "speaks another protocol: link the program with the same "
            "version of libcohort");
        return;
    }
    native->abilities = hello->abilities;
    channel->state = CONNECTED;
    if (!member->cluster->is_held) {
        member->codec->release(member); /* it had not said that it can wait */
    }
    coh_member_online(member);
}

static void
on_query(struct coh_channel *channel, struct coh_message *message)
{
    const struct coh_cluster_query *frame = message->data;
    struct cohort_worker *member = channel->user;

    if (!coh_query_is_valid(&frame->query)) {
        coh_channel_reject(channel, "asks for no address that can be");
        return;
    }
    coh_member_query(member, frame->request, &frame->query);
}

/* NULL, after the channel was closed, when there is none. */
static struct coh_seat *
seat_of(struct coh_channel *channel, const struct coh_message *message)
{
    const struct coh_cluster_site *frame = message->data;
    struct cohort_worker *member = channel->user;
    struct coh_seat *seat;

    TAILQ_FOREACH (seat, &member->seats, member_link) {
        if (seat->site->number == frame->number) {
            return seat;
        }
    }
    /* We may have taken it away meanwhile. */
    if (!member->is_leaving && !member->is_hung_up) {
        coh_channel_reject(channel, "is about an address it does not have");
    }
    return NULL;
}

static void
on_listening(struct coh_channel *channel, struct coh_message *message)
{
    struct coh_seat *seat = seat_of(channel, message);

    if (seat != NULL) {
        coh_member_listening(seat);
    }
}

static void
on_close(struct coh_channel *channel, struct coh_message *message)
{
    struct cohort_worker *member = channel->user;
    struct coh_seat *seat = seat_of(channel, message);

    if (seat != NULL) {
        coh_member_closed(seat);
    } else if (member->is_leaving) {
        coh_member_has_closed(member);
    }
}

static void
on_leaving(struct coh_channel *channel, struct coh_message *message)
{
    const struct coh_cluster_leaving *frame = message->data;

    coh_member_leaving(channel->user, frame->is_kill != 0);
    coh_member_must_hear(
        channel->user,
        coh_channel_send(channel, COH_CLUSTER_FRAME_ALLOWED, NULL, 0));
}

static void
on_secret(struct coh_channel *channel, struct coh_message *message)
{
    const struct coh_cluster_secret_query *frame = message->data;
    struct cohort_str name =
        cohort_str_n((const char *)(frame + 1), message->size - sizeof(*frame));
    struct cohort_worker *member = channel->user;
    struct coh_cluster_secret_answer answer = {.index = frame->index};
    int fd;

    if (frame->size == 0 || frame->size > COHORT_SECRET_SIZE_MAX ||
        frame->rotate_s == 0 || frame->rotate_s > COH_SECRET_ROTATE_MAX_S ||
        memchr(name.data, '\0', name.size) != NULL) {
        coh_channel_reject(channel, "asks for a secret that cannot be");
        return;
    }
    fd =
        coh_cluster_secret(member->cluster, name, frame->size, frame->rotate_s);
    answer.result = fd < 0 ? fd : 0;
    if (coh_channel_send_fds(
            channel, COH_CLUSTER_FRAME_SECRET, &answer, sizeof(answer), &fd,
            fd >= 0 ? 1 : 0) < 0) {
        coh_channel_reject(channel, "asks without taking the answers");
    }
}

static void
on_message(struct coh_channel *channel, struct coh_message *message)
{
    struct cohort_worker *member = channel->user;
    struct cohort_str text;
    int fd;

    if (coh_native_message_take(
            channel, message, member->serialization, &text, &fd)) {
        coh_member_message(member, text, &fd);
        if (fd >= 0) {
            close(fd);
        }
    }
}

static void
on_credit(struct coh_channel *channel, struct coh_message *message)
{
    struct cohort_worker *member = channel->user;
    struct coh_seat *seat;

    (void)message;
    TAILQ_FOREACH (seat, &member->seats, member_link) {
        coh_handoff_credit(&seat->peer);
    }
}

static void
on_gone(struct coh_channel *channel, struct coh_message *message)
{
    (void)message;
    coh_member_lost(channel->user);
}

static void
on_sent(struct coh_channel *channel, struct coh_message *message)
{
    struct cohort_worker *member = channel->user;

    (void)message;
    coh_outbox_reach(&member->outbox, channel->queue.sent_bytes);
    if (member->is_hung_up && !coh_channel_is_pending(channel)) {
        coh_member_lost(member);
    }
}

static const struct coh_channel_rule rules[] = {
    {
        .type = COH_CLUSTER_FRAME_HELLO,
        .name = "hello",
        .states = COH_CHANNEL_NEW,
        .min_size = sizeof(struct coh_cluster_hello),
        .max_size = sizeof(struct coh_cluster_hello),
        .handle = on_hello,
    },
    {
        .type = COH_CLUSTER_FRAME_QUERY,
        .name = "query",
        .states = CONNECTED,
        .min_size = sizeof(struct coh_cluster_query),
        .max_size = sizeof(struct coh_cluster_query),
        .handle = on_query,
    },
    {
        .type = COH_CLUSTER_FRAME_LISTENING,
        .name = "listening",
        .states = CONNECTED,
        .min_size = sizeof(struct coh_cluster_site),
        .max_size = sizeof(struct coh_cluster_site),
        .handle = on_listening,
    },
    {
        .type = COH_CLUSTER_FRAME_CLOSE,
        .name = "close",
        .states = CONNECTED,
        .min_size = sizeof(struct coh_cluster_site),
        .max_size = sizeof(struct coh_cluster_site),
        .handle = on_close,
    },
    {
        .type = COH_CLUSTER_FRAME_LEAVING,
        .name = "leaving",
        .states = CONNECTED,
        .min_size = sizeof(struct coh_cluster_leaving),
        .max_size = sizeof(struct coh_cluster_leaving),
        .handle = on_leaving,
    },
    {
        .type = COH_CLUSTER_FRAME_SECRET,
        .name = "secret",
        .states = CONNECTED,
        .min_size = sizeof(struct coh_cluster_secret_query) + 1,
        .max_size =
            sizeof(struct coh_cluster_secret_query) + COHORT_SECRET_NAME_MAX,
        .handle = on_secret,
    },
    {
        COH_NATIVE_MESSAGE_RULE,
        .states = CONNECTED,
        .handle = on_message,
    },
    {
        .type = COH_FRAME_CREDIT,
        .name = "credit",
        .states = CONNECTED,
        .handle = on_credit,
    },
};

const struct coh_channel_role coh_native_role = {
    .peer = "worker",
    .rules = rules,
    .rule_count = sizeof(rules) / sizeof(rules[0]),
    .gone = on_gone,
    .sent = on_sent,
};
