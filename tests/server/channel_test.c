/* What comes through a channel, and how it ends. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/server/channel_fixture.h"

/* --- what comes through --------------------------------------------------- */

static void
test_batch(void **state)
{
    struct channel_fixture *fixture = *state;
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

    channel_send_raw(fixture, &packet, sizeof(packet), 3);
    channel_turn(fixture);
    assert_int_equal(fixture->called, 2);
    assert_int_equal(fixture->last_size, 4);
    assert_int_equal(fixture->last_fds, 2);
    assert_memory_equal(fixture->last, "next", 4);
    assert_int_equal(fixture->gone, 0);
}

static void
test_descriptor_is_kept(void **state)
{
    struct channel_fixture *fixture = *state;

    fixture->will_keep = true;
    channel_send_frame(fixture, COH_FRAME_LOG, 8, 2, 2);
    assert_int_equal(fixture->called, 1);
    assert_true(fcntl(fixture->kept, F_GETFD) & FD_CLOEXEC);
    close(fixture->kept);
}

static void
test_gone(void **state)
{
    struct channel_fixture *fixture = *state;

    close(fixture->peer);
    fixture->peer = -1;
    channel_turn(fixture);
    assert_int_equal(fixture->gone, 1);
    assert_int_equal(
        coh_channel_send(&fixture->channel, COH_FRAME_LOG, "gone", 4), -EPIPE);
}

/* What a peer said before it died is heard, even if it left ours unread. */
static void
test_last_words(void **state)
{
    struct channel_fixture *fixture = *state;
    struct channel_raw raw = {
        .header = {4, COH_FRAME_LOG, COH_FRAME_VERSION, 0}};

    assert_int_equal(
        coh_channel_send(&fixture->channel, COH_FRAME_LOG, "unread", 6), 0);
    channel_send_raw(fixture, &raw, sizeof(raw.header) + 4, 0);
    close(fixture->peer);
    fixture->peer = -1;
    channel_turn(fixture);
    assert_int_equal(fixture->called, 1);
    assert_int_equal(fixture->gone, 1);
}

static void
test_hello(void **state)
{
    struct channel_fixture *fixture = *state;
    struct {
        struct coh_frame_header header;
        struct coh_frame_hello hello;
    } packet = {
        .header = {sizeof(packet.hello), COH_FRAME_HELLO, COH_FRAME_VERSION, 0},
    };

    coh_hello_fill(&packet.hello, 3, 7, 1);
    assert_true(strlen(coh_build_id()) > 8);
    channel_send_raw(fixture, &packet, sizeof(packet), 0);
    channel_turn(fixture);
    assert_int_equal(fixture->channel.state, 2);
    /* Once only. */
    channel_send_raw(fixture, &packet, sizeof(packet), 0);
    channel_turn(fixture);
    assert_int_equal(fixture->called, 1);
    assert_int_equal(fixture->gone, 1);
}

static void
test_hello_of_another_build(void **state)
{
    struct channel_fixture *fixture = *state;
    struct {
        struct coh_frame_header header;
        struct coh_frame_hello hello;
    } packet = {
        .header = {sizeof(packet.hello), COH_FRAME_HELLO, COH_FRAME_VERSION, 0},
    };

    coh_hello_fill(&packet.hello, 3, 7, 1);
    packet.hello.build[3] ^= 1;
    channel_send_raw(fixture, &packet, sizeof(packet), 0);
    channel_turn(fixture);
    assert_int_equal(fixture->gone, 1);
}

static void
test_freed_by_its_handler(void **state)
{
    struct channel_fixture *fixture = *state;

    fixture->will_free = true;
    channel_send_frame(fixture, COH_FRAME_LOG, 4, 1, 1);
    assert_int_equal(fixture->called, 1);
    assert_int_equal(fixture->gone, 0);
}

static void
test_rejected_by_its_handler(void **state)
{
    struct channel_fixture *fixture = *state;

    fixture->will_reject = true;
    channel_send_frame(fixture, COH_FRAME_LOG, 4, 1, 1);
    assert_int_equal(fixture->called, 1);
    assert_int_equal(fixture->gone, 1);
}

/* --- queues --------------------------------------------------------------- */

static void
test_queue_is_bounded(void **state)
{
    struct channel_fixture *fixture = *state;
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
    struct channel_fixture *fixture = *state;
    unsigned char *large = calloc(1, COH_MESSAGE_MAX + 1);

    assert_int_equal(
        coh_channel_send(
            &fixture->channel, COH_FRAME_LOG, large, COH_MESSAGE_MAX + 1),
        -EMSGSIZE);
    free(large);
}

/* --- without a loop ------------------------------------------------------- */

static void
test_wait(void **state)
{
    struct channel_fixture *fixture = *state;

    assert_int_equal(coh_channel_wait(&fixture->channel, 5), -ETIMEDOUT);
    channel_send_frame(fixture, COH_FRAME_LOG, 4, 1, 1);
    channel_send_frame(fixture, COH_FRAME_CONNECTIONS, 4, 1, 1);
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
    struct channel_fixture *fixture = *state;

    channel_send_frame(fixture, 999, 4, 1, 1);
    assert_int_equal(coh_channel_wait(&fixture->channel, 1000), -EPIPE);
    assert_channel_refused(fixture);
}

static void
test_wait_freed(void **state)
{
    struct channel_fixture *fixture = *state;

    fixture->will_free = true;
    channel_send_frame(fixture, COH_FRAME_LOG, 4, 0, 0);
    assert_int_equal(coh_channel_wait(&fixture->channel, 1000), -EPIPE);
}

#define TEST(test)                                                             \
    cmocka_unit_test_setup_teardown(test, channel_setup, channel_teardown)
#define SYNC_TEST(test)                                                        \
    cmocka_unit_test_setup_teardown(test, channel_setup_sync, channel_teardown)

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_batch),
        TEST(test_descriptor_is_kept),
        TEST(test_gone),
        TEST(test_last_words),
        TEST(test_hello),
        TEST(test_hello_of_another_build),
        TEST(test_freed_by_its_handler),
        TEST(test_rejected_by_its_handler),
        TEST(test_queue_is_bounded),
        TEST(test_message_is_bounded),
        SYNC_TEST(test_wait),
        SYNC_TEST(test_wait_refuses),
        SYNC_TEST(test_wait_freed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
