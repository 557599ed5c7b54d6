/* The native codec: frames on a channel of packets, words in shared memory. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/shm.h"
#include "server/channel/channel.h"
#include "server/channel/message.h"
#include "server/cluster/cluster.h"
#include "server/cluster/frames.h"
#include "server/cluster/member.h"
#include "server/cluster/native_message.h"
#include "server/cluster/secrets.h"
#include "server/cluster/site.h"
#include "server/cluster/site_turns.h"
#include "server/process/secret.h"

/* States of the channel: NEW until its hello. */
#define CONNECTED (COH_CHANNEL_NEW << 1)

struct native {
    struct coh_channel channel;
    uint32_t abilities;              /* of the member */
    struct coh_cluster_words *words; /* shared with it */
    uint64_t used_seats;             /* bits */
    uint64_t epoch; /* of words: what is under way for a seat that was left
                       must not fit the next one */
};

/* --- what comes ----------------------------------------------------------- */

static void
on_hello(struct coh_channel *channel, struct coh_message *message)
{
    const struct coh_cluster_hello *hello = message->data;
    struct cohort_worker *member = channel->user;
    struct native *native = member->line;

    if (hello->protocol != COH_CLUSTER_PROTOCOL) {
        coh_channel_reject(
            channel,
            "speaks another protocol: link the program with the same "
            "version of libcohort");
        return;
    }
    native->abilities = hello->abilities;
    channel->state = CONNECTED;
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
    if (!member->is_leaving) {
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
    struct coh_seat *seat = seat_of(channel, message);

    if (seat != NULL) {
        coh_member_closed(seat);
    }
}

static void
on_leaving(struct coh_channel *channel, struct coh_message *message)
{
    const struct coh_cluster_leaving *frame = message->data;

    coh_member_leaving(channel->user, frame->is_kill != 0);
    coh_channel_send(channel, COH_CLUSTER_FRAME_ALLOWED, NULL, 0);
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

static const struct coh_channel_role role = {
    .peer = "worker",
    .rules = rules,
    .rule_count = sizeof(rules) / sizeof(rules[0]),
    .gone = on_gone,
    .sent = on_sent,
};

/* --- the line ------------------------------------------------------------- */

static void
native_close(struct cohort_worker *member)
{
    struct native *native = member->line;

    coh_channel_fini(&native->channel);
    coh_shm_unmap(native->words, sizeof(*native->words));
    free(native);
}

static int
send_start(
    struct native *native, const struct cohort_worker *member, int words,
    int inspect_port)
{
    const struct coh_cluster_start start = {
        .protocol = COH_CLUSTER_PROTOCOL,
        .serialization = member->serialization,
        .id = member->id,
        .inspect_port = inspect_port,
        .watchdog_ms = member->watchdog_ms,
        .abilities = COH_CLUSTER_MAKES_SECRETS,
    };

    return coh_channel_send_now(
        &native->channel, COH_CLUSTER_FRAME_START, &start, sizeof(start),
        &words, 1);
}

/* The memory of the words; its descriptor or -errno. */
static int
make_words(struct native *native)
{
    int fd = coh_shm_create("cohort-words", sizeof(*native->words));
    int result;

    if (fd < 0) {
        return fd;
    }
    native->words = coh_shm_map(fd, sizeof(*native->words));
    if (native->words == NULL) {
        result = -errno;
        close(fd);
        return result;
    }
    return fd;
}

static int
native_open(struct cohort_worker *member, int fd, int inspect_port)
{
    struct native *native = calloc(1, sizeof(*native));
    int words = native != NULL ? make_words(native) : -ENOMEM;
    int result;

    if (words < 0) {
        close(fd);
        free(native);
        return words;
    }
    result = coh_channel_init(
        &native->channel, member->cluster->loop, fd, &role, member,
        member->cluster->log);
    native->channel.peer_id = member->id;
    member->line = native;
    if (result == 0) {
        result = send_start(native, member, words, inspect_port);
    }
    close(words);
    if (result < 0) {
        native_close(member);
        member->line = NULL;
    }
    return result;
}

static bool
native_flush(struct cohort_worker *member)
{
    struct native *native = member->line;

    coh_channel_flush(&native->channel);
    return true;
}

static int
native_descriptor(const struct cohort_worker *member)
{
    const struct native *native = member->line;

    return native->channel.fd;
}

static int
native_send(
    struct cohort_worker *member, struct cohort_str message, int fd,
    uint64_t *mark)
{
    struct native *native = member->line;

    return coh_native_message_send(
        &native->channel, message, fd, &member->outbox, mark);
}

static int
native_leave(struct cohort_worker *member)
{
    struct native *native = member->line;

    return coh_channel_send(&native->channel, COH_CLUSTER_FRAME_LEAVE, NULL, 0);
}

static int
native_answer(
    struct cohort_worker *member, const struct coh_codec_answer *answer)
{
    struct native *native = member->line;
    const struct coh_seat *seat = answer->seat;
    struct coh_cluster_answer frame = {
        .request = (uint32_t)answer->request,
        .result = answer->result,
    };
    struct iovec parts[2] = {
        {.iov_base = &frame, .iov_len = sizeof(frame)},
        {.iov_len = strlen(answer->why)},
    };
    int fds[2];
    size_t fd_count = 0;

    if (seat != NULL) {
        frame.number = seat->site->number;
        frame.seat = seat->index;
        frame.policy = seat->site->policy;
        frame.bound = seat->site->bound;
        fds[0] = coh_seat_socket(seat);
        fd_count = fds[0] >= 0;
    }
    if (seat != NULL && seat->turn >= 0) {
        frame.turn = (uint16_t)seat->turn;
        frame.turn_count = COH_SITE_TURNS_MAX;
        fds[fd_count++] = seat->site->turns->fd;
    }
    memcpy(&parts[1].iov_base, &answer->why, sizeof(answer->why));
    return coh_channel_sendv(
        &native->channel, COH_CLUSTER_FRAME_ANSWER, parts, 2, fds, fd_count);
}

/* --- seats ---------------------------------------------------------------- */

static bool
native_takes_turns(const struct cohort_worker *member)
{
    const struct native *native = member->line;

    return (native->abilities & COH_CLUSTER_TAKES_TURNS) != 0;
}

static int
native_take_seat(struct coh_seat *seat)
{
    struct native *native = seat->member->line;
    unsigned index = 0;

    while (index < COH_SEATS_MAX && (native->used_seats >> index & 1) != 0) {
        index++;
    }
    if (index == COH_SEATS_MAX) {
        return -ENOSPC;
    }
    native->used_seats |= UINT64_C(1) << index;
    native->epoch++;
    seat->index = index;
    coh_handoff_peer_init(
        &seat->peer, &native->words->seats[index], &native->channel);
    for (unsigned i = 0; i < COH_HANDOFF_WINDOW; i++) {
        seat->peer.sequences[i] = native->epoch << 32;
    }
    return 0;
}

static void
native_give_seat(struct coh_seat *seat)
{
    struct native *native = seat->member->line;

    if (native != NULL) {
        native->used_seats &= ~(UINT64_C(1) << seat->index);
    }
}

static const struct coh_pulse *
native_pulse(const struct cohort_worker *member)
{
    const struct native *native = member->line;

    return &native->words->pulse;
}

/* At all seats, those that it has left, too: none is ever set back. */
static uint64_t
native_accepted_count(const struct cohort_worker *member)
{
    const struct native *native = member->line;
    uint64_t count = 0;

    for (unsigned i = 0; native != NULL && i < COH_SEATS_MAX; i++) {
        count += atomic_load_explicit(
            &native->words->seats[i].accepted_count, memory_order_relaxed);
    }
    return count;
}

const struct coh_codec coh_codec_native = {
    .socket_type = SOCK_SEQPACKET,
    .open = native_open,
    .close = native_close,
    .descriptor = native_descriptor,
    .flush = native_flush,
    .send = native_send,
    .leave = native_leave,
    .answer = native_answer,
    .takes_turns = native_takes_turns,
    .take_seat = native_take_seat,
    .give_seat = native_give_seat,
    .pulse = native_pulse,
    .accepted_count = native_accepted_count,
};
