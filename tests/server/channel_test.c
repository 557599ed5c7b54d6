/* Frames: what comes through, what is refused, and that no descriptor is left
   behind either way. */
#include "server/channel/channel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/event.h"
#include "core/log.h"
#include "core/socket.h"
#include "server/channel/message.h"
#include "tests/core/limit.h"
#include "tests/core/test.h"

#define LONG_MAX_SIZE (200 * 1024)

/* A channel at one end, the bare socket at the other. */
struct fixture {
    struct coh_loop loop;
    struct coh_channel channel;
    struct cohort_log log;
    int peer;
    int fds_before;
    unsigned called;
    unsigned gone;
    size_t last_size;
    size_t last_fds;
    size_t last_lost;
    size_t fds_seen;
    unsigned char last[LONG_MAX_SIZE];
    bool will_keep; /* the descriptors that come */
    bool will_free; /* the channel, inside the handler */
    bool will_reject;
    int kept;
};

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
    struct fixture *fixture = channel->user;

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
    struct fixture *fixture = channel->user;

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
    struct fixture *fixture = channel->user;

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
        .max_size = LONG_MAX_SIZE,
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

static const struct coh_channel_role role = {
    .peer = "tester",
    .rules = rules,
    .rule_count = sizeof(rules) / sizeof(rules[0]),
    .gone = on_gone,
};

static int
setup_with(void **state, bool has_loop)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    int pair[2];

    fixture->fds_before = count_fds();
    fixture->kept = -1;
    coh_log_init(&fixture->log, NULL); /* no target: silent */
    assert_int_equal(coh_loop_init(&fixture->loop, NULL), 0);
    assert_int_equal(coh_socket_pair(SOCK_SEQPACKET, pair), 0);
    assert_int_equal(
        coh_channel_init(
            &fixture->channel, has_loop ? &fixture->loop : NULL, pair[0], &role,
            fixture, &fixture->log),
        0);
    fixture->peer = pair[1];
    *state = fixture;
    return 0;
}

static int
setup(void **state)
{
    return setup_with(state, true);
}

static int
setup_sync(void **state)
{
    return setup_with(state, false);
}

static int
teardown(void **state)
{
    struct fixture *fixture = *state;

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

static void
turn(struct fixture *fixture)
{
    for (int i = 0; i < 4; i++) {
        event_base_loop(fixture->loop.base, EVLOOP_NONBLOCK);
    }
}

static void
send_raw(
    struct fixture *fixture, const void *data, size_t size, size_t fd_count)
{
    struct iovec part = {.iov_len = size};
    static const int fds[COH_FDPASS_MAX]; /* standard input, many times */

    memcpy(&part.iov_base, &data, sizeof(data));
    assert_int_equal(
        coh_fds_send(fixture->peer, &part, 1, fds, fd_count), (ssize_t)size);
}

struct raw {
    struct coh_frame_header header;
    unsigned char bytes[64];
};

static void
send_frame(
    struct fixture *fixture, uint16_t type, uint32_t size, uint8_t claimed,
    size_t fd_count)
{
    struct raw raw = {
        .header =
            {.size = size,
             .type = type,
             .version = COH_FRAME_VERSION,
             .fd_count = claimed},
    };

    send_raw(fixture, &raw, sizeof(raw.header) + size, fd_count);
    turn(fixture);
}

/* --- what comes through --------------------------------------------------- */

static void
test_batch(void **state)
{
    struct fixture *fixture = *state;
    struct {
        struct coh_frame_header one;
        char one_data[5];
        char padding[3];
        struct coh_frame_header other;
        char other_data[4];
    } packet = {
        .one = {5, COH_FRAME_LOG, COH_FRAME_VERSION, 1},
        .one_data = "first",
        .other = {4, COH_FRAME_LOG, COH_FRAME_VERSION, 2},
        .other_data = "next",
    };

    send_raw(fixture, &packet, sizeof(packet), 3);
    turn(fixture);
    assert_int_equal(fixture->called, 2);
    assert_int_equal(fixture->last_size, 4);
    assert_int_equal(fixture->last_fds, 2);
    assert_memory_equal(fixture->last, "next", 4);
    assert_int_equal(fixture->gone, 0);
}

static void
test_descriptor_is_kept(void **state)
{
    struct fixture *fixture = *state;

    fixture->will_keep = true;
    send_frame(fixture, COH_FRAME_LOG, 8, 2, 2);
    assert_int_equal(fixture->called, 1);
    assert_true(fcntl(fixture->kept, F_GETFD) & FD_CLOEXEC);
    close(fixture->kept);
}

static void
test_gone(void **state)
{
    struct fixture *fixture = *state;

    close(fixture->peer);
    fixture->peer = -1;
    turn(fixture);
    assert_int_equal(fixture->gone, 1);
    assert_int_equal(
        coh_channel_send(&fixture->channel, COH_FRAME_LOG, "gone", 4), -EPIPE);
}

/* What a peer said before it died is heard, even if it left ours unread. */
static void
test_last_words(void **state)
{
    struct fixture *fixture = *state;
    struct raw raw = {.header = {4, COH_FRAME_LOG, COH_FRAME_VERSION, 0}};

    assert_int_equal(
        coh_channel_send(&fixture->channel, COH_FRAME_LOG, "unread", 6), 0);
    send_raw(fixture, &raw, sizeof(raw.header) + 4, 0);
    close(fixture->peer);
    fixture->peer = -1;
    turn(fixture);
    assert_int_equal(fixture->called, 1);
    assert_int_equal(fixture->gone, 1);
}

static void
test_hello(void **state)
{
    struct fixture *fixture = *state;
    struct {
        struct coh_frame_header header;
        struct coh_frame_hello hello;
    } packet = {
        .header = {sizeof(packet.hello), COH_FRAME_HELLO, COH_FRAME_VERSION, 0},
    };

    coh_hello_fill(&packet.hello, 3, 7, 1);
    assert_true(strlen(coh_build_id()) > 8);
    send_raw(fixture, &packet, sizeof(packet), 0);
    turn(fixture);
    assert_int_equal(fixture->channel.state, 2);
    /* Once only. */
    send_raw(fixture, &packet, sizeof(packet), 0);
    turn(fixture);
    assert_int_equal(fixture->called, 1);
    assert_int_equal(fixture->gone, 1);
}

static void
test_hello_of_another_build(void **state)
{
    struct fixture *fixture = *state;
    struct {
        struct coh_frame_header header;
        struct coh_frame_hello hello;
    } packet = {
        .header = {sizeof(packet.hello), COH_FRAME_HELLO, COH_FRAME_VERSION, 0},
    };

    coh_hello_fill(&packet.hello, 3, 7, 1);
    packet.hello.build[3] ^= 1;
    send_raw(fixture, &packet, sizeof(packet), 0);
    turn(fixture);
    assert_int_equal(fixture->gone, 1);
}

static void
test_freed_by_its_handler(void **state)
{
    struct fixture *fixture = *state;

    fixture->will_free = true;
    send_frame(fixture, COH_FRAME_LOG, 4, 1, 1);
    assert_int_equal(fixture->called, 1);
    assert_int_equal(fixture->gone, 0);
}

static void
test_rejected_by_its_handler(void **state)
{
    struct fixture *fixture = *state;

    fixture->will_reject = true;
    send_frame(fixture, COH_FRAME_LOG, 4, 1, 1);
    assert_int_equal(fixture->called, 1);
    assert_int_equal(fixture->gone, 1);
}

/* --- what is refused ------------------------------------------------------ */

static void
assert_refused(struct fixture *fixture)
{
    assert_int_equal(fixture->called, 0);
    assert_int_equal(fixture->gone, 1);
    assert_int_equal(fixture->channel.fd, -1);
}

static void
test_unknown_type(void **state)
{
    send_frame(*state, 999, 4, 1, 1);
    assert_refused(*state);
}

static void
test_wrong_state(void **state)
{
    send_frame(*state, COH_FRAME_DRAIN, 0, 0, 0);
    assert_refused(*state);
}

static void
test_too_short(void **state)
{
    send_frame(*state, COH_FRAME_LOG, 3, 1, 1);
    assert_refused(*state);
}

static void
test_too_long(void **state)
{
    send_frame(*state, COH_FRAME_HELLO, 20, 0, 0);
    assert_refused(*state);
}

static void
test_descriptors_missing(void **state)
{
    send_frame(*state, COH_FRAME_CONNECTIONS, 8, 0, 0);
    assert_refused(*state);
}

static void
test_descriptors_claimed(void **state)
{
    send_frame(*state, COH_FRAME_CONNECTIONS, 8, 3, 2);
    assert_refused(*state);
}

static void
test_descriptors_too_many(void **state)
{
    send_frame(*state, COH_FRAME_LOG, 8, 3, 3);
    assert_refused(*state);
}

static void
test_descriptors_unclaimed(void **state)
{
    struct fixture *fixture = *state;

    send_frame(fixture, COH_FRAME_LOG, 8, 1, COH_FDPASS_MAX);
    assert_int_equal(fixture->called, 1);
    assert_int_equal(fixture->gone, 1);
}

static void
test_truncated_header(void **state)
{
    send_raw(*state, "\x04\0\0\0\x03", 5, 1);
    turn(*state);
    assert_refused(*state);
}

static void
test_truncated_frame(void **state)
{
    struct raw raw = {.header = {60, COH_FRAME_LOG, COH_FRAME_VERSION, 0}};

    send_raw(*state, &raw, 40, 2);
    turn(*state);
    assert_refused(*state);
}

static void
test_wrong_version(void **state)
{
    struct raw raw = {.header = {4, COH_FRAME_LOG, 77, 0}};

    send_raw(*state, &raw, 12, 0);
    turn(*state);
    assert_refused(*state);
}

static void
test_oversized_packet(void **state)
{
    static unsigned char large[COH_PACKET_MAX + 8];
    struct coh_frame_header header = {
        COH_PACKET_MAX, COH_FRAME_LOG, COH_FRAME_VERSION, 0};

    memcpy(large, &header, sizeof(header));
    send_raw(*state, large, sizeof(large), 1);
    turn(*state);
    assert_refused(*state);
}

static void
test_garbage(void **state)
{
    unsigned char garbage[256];

    for (size_t i = 0; i < sizeof(garbage); i++) {
        garbage[i] = (unsigned char)(i * 37 + 11);
    }
    send_raw(*state, garbage, sizeof(garbage), 7);
    turn(*state);
    assert_refused(*state);
}

/* --- fragments ------------------------------------------------------------ */

static void
test_long_message(void **state)
{
    struct fixture *fixture = *state;
    unsigned char *large = malloc(LONG_MAX_SIZE);
    int fds[2] = {STDIN_FILENO, STDIN_FILENO};
    struct coh_channel sender;

    /* The other end becomes a channel, too. */
    assert_int_equal(
        coh_channel_init(
            &sender, &fixture->loop, fixture->peer, &role, fixture,
            &fixture->log),
        0);
    fixture->peer = -1;
    for (size_t i = 0; i < LONG_MAX_SIZE; i++) {
        large[i] = (unsigned char)(i * i >> 3);
    }
    assert_int_equal(
        coh_channel_send_fds(
            &sender, COH_FRAME_LOG, large, LONG_MAX_SIZE, fds, 2),
        0);
    assert_int_equal(coh_channel_send(&sender, COH_FRAME_LOG, "tail", 4), 0);
    for (int i = 0; i < 40 && fixture->called < 2; i++) {
        event_base_loop(fixture->loop.base, EVLOOP_NONBLOCK);
    }
    assert_int_equal(fixture->called, 2);
    assert_int_equal(fixture->fds_seen, 2);
    /* The short one came last, over the beginning of the long one. */
    assert_int_equal(fixture->last_size, 4);
    assert_memory_equal(fixture->last, "tail", 4);
    assert_memory_equal(fixture->last + 4, large + 4, LONG_MAX_SIZE - 4);
    assert_false(coh_channel_is_pending(&sender));
    coh_channel_fini(&sender);
    free(large);
}

struct raw_fragment {
    struct coh_frame_header outer;
    struct coh_frame_fragment fragment;
    struct coh_frame_header inner;
    unsigned char bytes[32];
};

static struct raw_fragment
first_fragment(void)
{
    return (struct raw_fragment){
        .outer =
            {sizeof(struct raw_fragment) - 8, COH_FRAME_FRAGMENT,
             COH_FRAME_VERSION, 0},
        .fragment = {.total = 108, .offset = 0},
        .inner = {100, COH_FRAME_LOG, COH_FRAME_VERSION, 0},
    };
}

static void
send_fragment(
    struct fixture *fixture, struct raw_fragment fragment, size_t fd_count)
{
    fragment.outer.fd_count = (uint8_t)fd_count;
    send_raw(fixture, &fragment, sizeof(fragment), fd_count);
    turn(fixture);
}

static void
test_fragment_of_unknown_type(void **state)
{
    struct raw_fragment fragment = first_fragment();

    fragment.inner.type = 999;
    send_fragment(*state, fragment, 0);
    assert_refused(*state);
}

/* Nothing is allocated for what could never be delivered. */
static void
test_fragment_of_too_much(void **state)
{
    struct raw_fragment fragment = first_fragment();

    fragment.fragment.total = UINT32_MAX;
    fragment.inner.size = UINT32_MAX - 8;
    send_fragment(*state, fragment, 0);
    assert_refused(*state);
}

static void
test_fragment_totals_differ(void **state)
{
    struct raw_fragment fragment = first_fragment();

    fragment.fragment.total = 109;
    send_fragment(*state, fragment, 0);
    assert_refused(*state);
}

static void
test_fragment_without_beginning(void **state)
{
    struct raw_fragment fragment = first_fragment();

    fragment.fragment.offset = 40;
    send_fragment(*state, fragment, 0);
    assert_refused(*state);
}

static void
test_fragment_with_a_gap(void **state)
{
    struct raw_fragment fragment = first_fragment();

    send_fragment(*state, fragment, 0);
    fragment.fragment.offset = 41;
    send_fragment(*state, fragment, 0);
    assert_refused(*state);
}

static void
test_fragment_too_long(void **state)
{
    struct raw_fragment fragment = first_fragment();

    for (unsigned i = 0; i < 3; i++) {
        fragment.fragment.offset = i * 40;
        send_fragment(*state, fragment, 0);
    }
    assert_refused(*state);
}

static void
test_fragment_with_early_descriptors(void **state)
{
    send_fragment(*state, first_fragment(), 1);
    assert_refused(*state);
}

static void
test_fragment_begun_twice(void **state)
{
    send_fragment(*state, first_fragment(), 0);
    send_fragment(*state, first_fragment(), 0);
    assert_refused(*state);
}

/* --- queues --------------------------------------------------------------- */

static void
test_queue_is_bounded(void **state)
{
    struct fixture *fixture = *state;
    static unsigned char block[16 * 1024];
    unsigned count = 0;
    size_t got = 0;
    int result;
    int fd = STDIN_FILENO;

    while ((result = coh_channel_send_fds(
                &fixture->channel, COH_FRAME_LOG, block, sizeof(block), &fd,
                1)) == 0) {
        count++;
        assert_true(count < 10000);
    }
    assert_int_equal(result, -ENOBUFS);
    assert_true(fixture->channel.queue.byte_count <= COH_QUEUE_BYTES_MAX);
    assert_true(coh_channel_is_pending(&fixture->channel));
    assert_int_equal(
        coh_channel_send_now(
            &fixture->channel, COH_FRAME_LOG, block, 8, NULL, 0),
        -EAGAIN);
    /* All of it arrives once the peer reads. */
    for (int i = 0; i < 100000 && got < count; i++) {
        static unsigned char data[COH_PACKET_MAX];
        int fds[COH_FDPASS_MAX];
        size_t fd_count = COH_FDPASS_MAX;
        ssize_t size =
            coh_fds_receive(fixture->peer, data, sizeof(data), fds, &fd_count);

        if (size > 0) {
            got += fd_count;
            coh_fds_close(fds, fd_count);
        }
        event_base_loop(fixture->loop.base, EVLOOP_NONBLOCK);
    }
    assert_int_equal(got, count);
    assert_false(coh_channel_is_pending(&fixture->channel));
    assert_int_equal(fixture->channel.queue.byte_count, 0);
    assert_int_equal(fixture->channel.queue.fd_count, 0);
}

static void
test_message_is_bounded(void **state)
{
    struct fixture *fixture = *state;
    unsigned char *large = calloc(1, COH_MESSAGE_MAX + 1);

    assert_int_equal(
        coh_channel_send(
            &fixture->channel, COH_FRAME_LOG, large, COH_MESSAGE_MAX + 1),
        -EMSGSIZE);
    free(large);
}

/* --- descriptors that find no room ---------------------------------------- */

static void
test_lost_descriptors(void **state)
{
    struct fixture *fixture = *state;
    struct raw raw = {
        .header = {8, COH_FRAME_CONNECTIONS, COH_FRAME_VERSION, 3}};
    struct test_fd_limit limit;

    send_raw(fixture, &raw, 16, 3);
    limit = test_limit_fds(1);
    turn(fixture);
    test_unlimit_fds(&limit);
    assert_int_equal(fixture->called, 1);
    assert_int_equal(fixture->last_lost, 3);
    assert_int_equal(fixture->last_fds, 0);
    assert_int_equal(fixture->gone, 0);
}

static void
test_lost_descriptors_that_matter(void **state)
{
    struct fixture *fixture = *state;
    struct raw raw = {.header = {8, COH_FRAME_LOG, COH_FRAME_VERSION, 2}};
    struct test_fd_limit limit;

    send_raw(fixture, &raw, 16, 2);
    limit = test_limit_fds(1);
    turn(fixture);
    test_unlimit_fds(&limit);
    assert_refused(fixture);
}

/* --- without a loop ------------------------------------------------------- */

static void
test_wait(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(coh_channel_wait(&fixture->channel, 5), -ETIMEDOUT);
    send_frame(fixture, COH_FRAME_LOG, 4, 1, 1);
    send_frame(fixture, COH_FRAME_CONNECTIONS, 4, 1, 1);
    assert_int_equal(
        coh_channel_wait_for(&fixture->channel, COH_FRAME_CONNECTIONS, 1000),
        0);
    assert_int_equal(fixture->called, 2);
    close(fixture->peer);
    fixture->peer = -1;
    assert_int_equal(coh_channel_wait(&fixture->channel, -1), -EPIPE);
    assert_int_equal(fixture->gone, 1);
    assert_int_equal(coh_channel_wait(&fixture->channel, -1), -EPIPE);
}

static void
test_wait_refuses(void **state)
{
    struct fixture *fixture = *state;

    send_frame(fixture, 999, 4, 1, 1);
    assert_int_equal(coh_channel_wait(&fixture->channel, 1000), -EPIPE);
    assert_refused(fixture);
}

static void
test_wait_freed(void **state)
{
    struct fixture *fixture = *state;

    fixture->will_free = true;
    send_frame(fixture, COH_FRAME_LOG, 4, 0, 0);
    assert_int_equal(coh_channel_wait(&fixture->channel, 1000), -EPIPE);
}

#define LOOP_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define SYNC_TEST(test)                                                        \
    cmocka_unit_test_setup_teardown(test, setup_sync, teardown)

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        LOOP_TEST(test_batch),
        LOOP_TEST(test_descriptor_is_kept),
        LOOP_TEST(test_gone),
        LOOP_TEST(test_last_words),
        LOOP_TEST(test_hello),
        LOOP_TEST(test_hello_of_another_build),
        LOOP_TEST(test_freed_by_its_handler),
        LOOP_TEST(test_rejected_by_its_handler),
        LOOP_TEST(test_unknown_type),
        LOOP_TEST(test_wrong_state),
        LOOP_TEST(test_too_short),
        LOOP_TEST(test_too_long),
        LOOP_TEST(test_descriptors_missing),
        LOOP_TEST(test_descriptors_claimed),
        LOOP_TEST(test_descriptors_too_many),
        LOOP_TEST(test_descriptors_unclaimed),
        LOOP_TEST(test_truncated_header),
        LOOP_TEST(test_truncated_frame),
        LOOP_TEST(test_wrong_version),
        LOOP_TEST(test_oversized_packet),
        LOOP_TEST(test_garbage),
        LOOP_TEST(test_long_message),
        LOOP_TEST(test_fragment_of_unknown_type),
        LOOP_TEST(test_fragment_of_too_much),
        LOOP_TEST(test_fragment_totals_differ),
        LOOP_TEST(test_fragment_without_beginning),
        LOOP_TEST(test_fragment_with_a_gap),
        LOOP_TEST(test_fragment_too_long),
        LOOP_TEST(test_fragment_with_early_descriptors),
        LOOP_TEST(test_fragment_begun_twice),
        LOOP_TEST(test_queue_is_bounded),
        LOOP_TEST(test_message_is_bounded),
        LOOP_TEST(test_lost_descriptors),
        LOOP_TEST(test_lost_descriptors_that_matter),
        SYNC_TEST(test_wait),
        SYNC_TEST(test_wait_refuses),
        SYNC_TEST(test_wait_freed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
