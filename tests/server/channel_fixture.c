/* A channel at one end, the bare socket at the other, for tests of frames. */
#include "tests/server/channel_fixture.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/fdpass.h"
#include "core/socket.h"

static int
count_fds(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;

    while (readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count;
}

static void
on_message(struct coh_channel *channel, struct coh_message *message)
{
    struct channel_fixture *fixture = channel->user;

    fixture->called++;
    fixture->last_size = message->size;
    fixture->last_fds = message->fd_count;
    fixture->fds_seen += message->fd_count;
    fixture->last_lost = message->lost_fd_count;
    if (message->size <= sizeof(fixture->last) && message->lost_fd_count == 0) {
        memcpy(fixture->last, message->data, message->size);
    }
    if (fixture->will_keep) {
        fixture->kept = message->fds[0];
        message->fds[0] = -1;
    }
    if (fixture->will_reject) {
        coh_channel_reject(channel, "is not liked");
    }
    if (fixture->will_free) {
        coh_channel_fini(channel);
        memset(channel, 0xff, sizeof(*channel));
    }
}

static void
on_hello(struct coh_channel *channel, struct coh_message *message)
{
    struct channel_fixture *fixture = channel->user;

    fixture->called++;
    if (coh_hello_check(message->data) < 0) {
        coh_channel_reject(channel, "is of another build");
        return;
    }
    channel->state = 2;
}

static void
on_gone(struct coh_channel *channel, struct coh_message *message)
{
    struct channel_fixture *fixture = channel->user;

    assert_null(message);
    assert_int_equal(channel->fd, -1);
    fixture->gone++;
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
        .type = COH_FRAME_LOG,
        .name = "log",
        .states = COH_CHANNEL_NEW | 2,
        .min_size = 4,
        .max_size = CHANNEL_LONG_MAX,
        .max_fds = 2,
        .handle = on_message,
    },
    {
        .type = COH_FRAME_CONNECTIONS,
        .name = "connections",
        .states = COH_CHANNEL_NEW,
        .max_size = 64,
        .min_fds = 1,
        .max_fds = 3,
        .may_lose_fds = true,
        .handle = on_message,
    },
    {
        .type = COH_FRAME_DRAIN,
        .name = "drain",
        .states = 2,
        .handle = on_message,
    },
};

const struct coh_channel_role channel_role = {
    .peer = "tester",
    .rules = rules,
    .rule_count = sizeof(rules) / sizeof(rules[0]),
    .gone = on_gone,
};

static int
setup_with(void **state, bool has_loop)
{
    struct channel_fixture *fixture = calloc(1, sizeof(*fixture));
    int pair[2];

    fixture->fds_before = count_fds();
    fixture->kept = -1;
    coh_log_init(&fixture->log, NULL); /* no target: silent */
    assert_int_equal(coh_loop_init(&fixture->loop, NULL), 0);
    assert_int_equal(coh_socket_pair(SOCK_SEQPACKET, pair), 0);
    assert_int_equal(
        coh_channel_init(
            &fixture->channel, has_loop ? &fixture->loop : NULL, pair[0],
            &channel_role, fixture, &fixture->log),
        0);
    fixture->peer = pair[1];
    *state = fixture;
    return 0;
}

int
channel_setup(void **state)
{
    return setup_with(state, true);
}

int
channel_setup_sync(void **state)
{
    return setup_with(state, false);
}

int
channel_teardown(void **state)
{
    struct channel_fixture *fixture = *state;

    if (!fixture->will_free) {
        coh_channel_fini(&fixture->channel);
        coh_channel_fini(&fixture->channel);
    }
    if (fixture->peer >= 0) {
        close(fixture->peer);
    }
    coh_loop_fini(&fixture->loop);
    /* Nothing that came in stays open, however it ended. */
    assert_int_equal(count_fds(), fixture->fds_before);
    free(fixture);
    return 0;
}

void
channel_turn(struct channel_fixture *fixture)
{
    for (int i = 0; i < 4; i++) {
        event_base_loop(fixture->loop.base, EVLOOP_NONBLOCK);
    }
}

void
channel_send_raw(
    struct channel_fixture *fixture, const void *data, size_t size,
    size_t fd_count)
{
    struct iovec part = {.iov_len = size};
    static const int fds[COH_FDPASS_MAX]; /* standard input, many times */

    memcpy(&part.iov_base, &data, sizeof(data));
    assert_int_equal(
        coh_fds_send(fixture->peer, &part, 1, fds, fd_count), (ssize_t)size);
}

void
channel_send_frame(
    struct channel_fixture *fixture, uint16_t type, uint32_t size,
    uint8_t claimed, size_t fd_count)
{
    struct channel_raw raw = {
        .header =
            {.size = size,
             .type = type,
             .version = COH_FRAME_VERSION,
             .fd_count = claimed},
    };

    channel_send_raw(fixture, &raw, sizeof(raw.header) + size, fd_count);
    channel_turn(fixture);
}

void
assert_channel_refused(struct channel_fixture *fixture)
{
    assert_int_equal(fixture->called, 0);
    assert_int_equal(fixture->gone, 1);
    assert_int_equal(fixture->channel.fd, -1);
}
