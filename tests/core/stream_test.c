/* A client's byte stream over real sockets. */
#include "tests/core/test.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/addr.h"
#include "core/socket.h"
#include "core/stream.h"

static struct coh_loop loop;
static struct coh_stream stream;
static int peer;
static unsigned ready_count;

static void
on_ready(struct coh_stream *which)
{
    assert_ptr_equal(which, &stream);
    ready_count++;
    coh_loop_stop(&loop);
}

/* A pair of connected TCP sockets: what a client has to do with. */
static void
connect_pair(int fds[2])
{
    struct coh_addr addr = {
        .u.v4 =
            {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
            },
        .size = sizeof(addr.u.v4),
    };
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(listener, &addr.u.any, addr.size), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(coh_addr_of_socket(listener, &addr), 0);
    fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fds[1], &addr.u.any, addr.size), 0);
    fds[0] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    assert_true(fds[0] >= 0);
    close(listener);
}

static int
setup(void **state)
{
    int fds[2];

    (void)state;
    connect_pair(fds);
    peer = fds[1];
    ready_count = 0;
    if (coh_loop_init(&loop, NULL) < 0) {
        return -1;
    }
    coh_stream_adopt(&stream, &loop, fds[0], on_ready);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    if (stream.fd >= 0) {
        coh_stream_close(&stream);
    }
    coh_loop_fini(&loop);
    return close(peer);
}

static void
test_read_and_write(void **state)
{
    struct iovec parts[2];
    char one[] = "on", two[] = "e two";
    char data[64];

    (void)state;
    assert_int_equal(coh_stream_read(&stream, data, sizeof(data)), -EAGAIN);
    assert_int_equal(write(peer, "hello", 5), 5);
    assert_int_equal(coh_stream_wait_read(&stream), 0);
    assert_int_equal(coh_loop_run(&loop), 0);
    assert_int_equal(coh_stream_read(&stream, data, sizeof(data)), 5);
    assert_int_equal(coh_stream_pending(&stream), 0);

    parts[0] = (struct iovec){one, 2};
    parts[1] = (struct iovec){two, 5};
    assert_int_equal(coh_stream_writev(&stream, parts, 2, true), 7);
    assert_int_equal(coh_stream_write(&stream, "three", 5, false), 5);
    assert_int_equal(recv(peer, data, 12, MSG_WAITALL), 12);
    assert_memory_equal(data, "one twothree", 12);

    coh_stream_shutdown(&stream);
    assert_int_equal(read(peer, data, 1), 0);
    assert_int_equal(shutdown(peer, SHUT_WR), 0);
    assert_int_equal(coh_stream_read(&stream, data, 1), 0);
    assert_int_equal(coh_stream_write(&stream, "x", 1, false), -EPIPE);
}

static ssize_t
fill(void)
{
    static char block[65536];
    ssize_t sent;
    ssize_t sum = 0;

    while ((sent = coh_stream_write(&stream, block, sizeof(block), false)) >
           0) {
        sum += sent;
    }
    assert_int_equal(sent, -EAGAIN);
    return sum;
}

static void
test_blocked(void **state)
{
    char data[65536];
    ssize_t left;

    (void)state;
    assert_int_equal(coh_stream_wait_read(&stream), 0);
    left = fill();
    assert_int_equal(coh_stream_wait_write(&stream), 0);
    assert_int_equal(coh_stream_wait_write(&stream), 0);
    event_base_loop(loop.base, EVLOOP_NONBLOCK);
    assert_int_equal(ready_count, 0);
    while (left > 0) {
        ssize_t got = read(peer, data, sizeof(data));

        assert_true(got > 0);
        left -= got;
    }
    assert_int_equal(coh_loop_run(&loop), 0);
    assert_int_equal(ready_count, 1);
    assert_int_equal(coh_stream_wait_read(&stream), 0);
    event_base_loop(loop.base, EVLOOP_NONBLOCK);
    assert_int_equal(ready_count, 1);
    assert_int_equal(write(peer, "x", 1), 1);
    coh_stream_wait_nothing(&stream);
    event_base_loop(loop.base, EVLOOP_NONBLOCK);
    assert_int_equal(ready_count, 1);
    coh_stream_park(&stream);
    assert_int_equal(coh_stream_wait_read(&stream), 0);
    assert_int_equal(coh_loop_run(&loop), 0);
    assert_int_equal(ready_count, 2);
}

static void
test_sendfile(void **state)
{
    char path[] = "/tmp/cohort_stream_XXXXXX";
    int file = mkstemp(path);
    off_t offset = 2;
    char data[8];

    (void)state;
    unlink(path);
    assert_int_equal(write(file, "abcdef", 6), 6);
    assert_int_equal(coh_stream_sendfile(&stream, file, &offset, 100), 4);
    assert_int_equal(offset, 6);
    assert_int_equal(coh_stream_sendfile(&stream, file, &offset, 100), 0);
    assert_int_equal(recv(peer, data, 4, MSG_WAITALL), 4);
    assert_memory_equal(data, "cdef", 4);
    close(file);
}

/* The peer hears of the end although a copy of the descriptor lives on. */
static void
test_close_reaches_the_peer(void **state)
{
    int copy = fcntl(stream.fd, F_DUPFD_CLOEXEC, 0);
    char byte;

    (void)state;
    assert_int_equal(coh_stream_wait_read(&stream), 0);
    coh_stream_close(&stream);
    assert_int_equal(stream.fd, -1);
    assert_int_equal(read(peer, &byte, 1), 0);
    close(copy);
}

static void
test_abort_resets(void **state)
{
    char byte;

    (void)state;
    assert_int_equal(coh_stream_wait_read(&stream), 0);
    coh_stream_abort(&stream);
    assert_int_equal(read(peer, &byte, 1), -1);
    assert_int_equal(errno, ECONNRESET);
}

static void
test_reset_is_told(void **state)
{
    struct linger none = {.l_onoff = 1, .l_linger = 0};
    char byte;

    (void)state;
    setsockopt(peer, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
    close(peer);
    assert_int_equal(coh_stream_read(&stream, &byte, 1), -ECONNRESET);
    peer = fcntl(0, F_DUPFD_CLOEXEC, 0);
}

#define TEST(function)                                                         \
    cmocka_unit_test_setup_teardown(function, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_read_and_write),
        TEST(test_blocked),
        TEST(test_sendfile),
        TEST(test_abort_resets),
        TEST(test_close_reaches_the_peer),
        TEST(test_reset_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
