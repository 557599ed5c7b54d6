/* The native codec: frames on a channel of packets, words in shared memory. */
#include "server/cluster/native.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/event.h"
#include "core/shm.h"
#include "server/cluster/cluster.h"
#include "server/cluster/member.h"
#include "server/cluster/native_message.h"
#include "server/cluster/site.h"
#include "server/cluster/site_turns.h"

/* --- the line ------------------------------------------------------------- */

static void
native_close(struct cohort_worker *member)
{
    struct coh_native *native = member->line;

    coh_channel_fini(&native->channel);
    coh_shm_unmap(native->words, sizeof(*native->words));
    free(native);
}

static int
send_start(
    struct coh_native *native, const struct cohort_worker *member, int words,
    int inspect_port)
{
    const struct coh_cluster_start start = {
        .protocol = COH_CLUSTER_PROTOCOL,
        .serialization = member->serialization,
        .id = member->id,
        .inspect_port = inspect_port,
        .watchdog_ms = member->watchdog_ms,
        .abilities = COH_CLUSTER_MAKES_SECRETS |
            (native->is_held ? COH_CLUSTER_HOLDS : 0),
    };

    return coh_channel_send_now(
        &native->channel, COH_CLUSTER_FRAME_START, &start, sizeof(start),
        &words, 1);
}

/* The memory of the words; its descriptor or -errno. */
static int
make_words(struct coh_native *native)
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
    struct coh_native *native = calloc(1, sizeof(*native));
    int words = native != NULL ? make_words(native) : -ENOMEM;
    int result;

    if (words < 0) {
        close(fd);
        free(native);
        return words;
    }
    result = coh_channel_init(
        &native->channel, member->cluster->loop, fd, &coh_native_role, member,
        member->cluster->log);
    native->channel.peer_id = member->id;
    native->is_held = member->cluster->is_held;
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
    struct coh_native *native = member->line;
    int result = coh_channel_flush(&native->channel);

    coh_outbox_reach(&member->outbox, native->channel.queue.sent_bytes);
    if (result == -EAGAIN) {
        coh_event_add_ms(&member->later, COH_CLUSTER_FAREWELL_MS);
        return false;
    }
    return true;
}

static void
native_forget(struct cohort_worker *member)
{
    struct coh_native *native = member->line;

    coh_channel_forget(&native->channel);
}

static int
native_send(
    struct cohort_worker *member, struct cohort_str message, int fd,
    uint64_t *mark)
{
    struct coh_native *native = member->line;

    return coh_native_message_send(
        &native->channel, message, fd, &member->outbox, mark);
}

static int
native_leave(struct cohort_worker *member)
{
    struct coh_native *native = member->line;

    return coh_channel_send(&native->channel, COH_CLUSTER_FRAME_LEAVE, NULL, 0);
}

static int
native_answer(
    struct cohort_worker *member, const struct coh_codec_answer *answer)
{
    struct coh_native *native = member->line;
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

/* --- held ----------------------------------------------------------------- */

/* One that cannot wait accepts since it listens. */
static bool
native_is_held(const struct cohort_worker *member)
{
    const struct coh_native *native = member->line;

    return native->is_held && (native->abilities & COH_CLUSTER_CAN_WAIT) != 0;
}

static void
native_release(struct cohort_worker *member)
{
    struct coh_native *native = member->line;

    if (native_is_held(member)) {
        native->is_held = false;
        coh_member_must_hear(
            member,
            coh_channel_send(
                &native->channel, COH_CLUSTER_FRAME_RELEASE, NULL, 0));
    }
}

/* --- seats ---------------------------------------------------------------- */

static bool
native_takes_turns(const struct cohort_worker *member)
{
    const struct coh_native *native = member->line;

    return (native->abilities & COH_CLUSTER_TAKES_TURNS) != 0;
}

static int
native_take_seat(struct coh_seat *seat)
{
    struct coh_native *native = seat->member->line;
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
    struct coh_native *native = seat->member->line;

    if (native != NULL) {
        native->used_seats &= ~(UINT64_C(1) << seat->index);
    }
}

static const struct coh_pulse *
native_pulse(const struct cohort_worker *member)
{
    const struct coh_native *native = member->line;

    return &native->words->pulse;
}

/* At all seats, those that it has left, too: none is ever set back. */
static uint64_t
native_accepted_count(const struct cohort_worker *member)
{
    const struct coh_native *native = member->line;
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
    .forget = native_forget,
    .flush = native_flush,
    .send = native_send,
    .leave = native_leave,
    .answer = native_answer,
    .is_held = native_is_held,
    .release = native_release,
    .takes_turns = native_takes_turns,
    .take_seat = native_take_seat,
    .give_seat = native_give_seat,
    .pulse = native_pulse,
    .accepted_count = native_accepted_count,
};
