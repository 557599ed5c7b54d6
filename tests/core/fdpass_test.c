/* Descriptors over unix sockets: sent, received, cut off. */
#include "tests/core/limit.h"
#include "tests/core/test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/fdpass.h"
#include "core/socket.h"

static int fds[2];

static int
setup(void **state)
{
    (void)state;
    return coh_socket_pair(SOCK_SEQPACKET, fds);
}

static int
teardown(void **state)
{
    (void)state;
    close(fds[0]);
    return close(fds[1]);
}

static size_t
open_count(void)
{
    DIR *folder = opendir("/proc/self/fd");
    size_t count = 0;

    assert_non_null(folder);
    while (readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count;
}

/* Standard input, count times over. */
static ssize_t
send_many(size_t count)
{
    char data[] = "abcd";
    struct iovec parts[] = {{data, 2}, {data + 2, 2}};
    int copies[COH_FDPASS_MAX + 1] = {0};

    return coh_fds_send(fds[0], parts, 2, copies, count);
}

static void
close_all(const int *arrived, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(close(arrived[i]), 0);
    }
}

static void
test_counts(void **state)
{
    static const size_t counts[] = {0, 1, 2, COH_FDPASS_MAX};
    int arrived[COH_FDPASS_MAX];
    char data[16];

    (void)state;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        size_t count = COH_FDPASS_MAX;

        assert_int_equal(send_many(counts[i]), 4);
        assert_int_equal(
            coh_fds_receive(fds[1], data, sizeof(data), arrived, &count), 4);
        assert_memory_equal(data, "abcd", 4);
        assert_int_equal(count, counts[i]);
        for (size_t j = 0; j < count; j++) {
            assert_int_equal(fcntl(arrived[j], F_GETFD), FD_CLOEXEC);
        }
        close_all(arrived, count);
    }
    assert_int_equal(send_many(COH_FDPASS_MAX + 1), -EINVAL);
}

static void
test_empty_and_end(void **state)
{
    size_t count = 0;
    char data[16];

    (void)state;
    assert_int_equal(
        coh_fds_receive(fds[1], data, sizeof(data), NULL, &count), -EAGAIN);
    close(fds[0]);
    assert_int_equal(
        coh_fds_receive(fds[1], data, sizeof(data), NULL, &count), 0);
    fds[0] = dup(fds[1]);
}

/* They would be taken for the end, and left open. */
static void
test_descriptors_alone(void **state)
{
    struct iovec nothing = {.iov_len = 0};
    int arrived[COH_FDPASS_MAX];
    size_t count = COH_FDPASS_MAX;
    size_t opened = open_count();
    char data[16];

    (void)state;
    assert_int_equal(coh_fds_send(fds[0], &nothing, 1, fds, 2), 0);
    assert_int_equal(
        coh_fds_receive(fds[1], data, sizeof(data), arrived, &count), -EPROTO);
    assert_int_equal(count, 0);
    assert_int_equal(open_count(), opened);
}

static void
test_gone(void **state)
{
    (void)state;
    assert_int_equal(send_many(0), 4);
    close(fds[1]); /* with a message unread */
    assert_int_equal(send_many(0), -EPIPE);
    fds[1] = dup(fds[0]);
}

static void
test_end_after_unread(void **state)
{
    size_t count = 0;
    char data[16];

    (void)state;
    assert_int_equal(send_many(0), 4);
    close(fds[1]);
    assert_int_equal(
        coh_fds_receive(fds[0], data, sizeof(data), NULL, &count), 0);
    fds[1] = dup(fds[0]);
}

static void
test_full(void **state)
{
    ssize_t sent;

    (void)state;
    do {
        sent = send_many(1);
    } while (sent == 4);
    assert_int_equal(sent, -EAGAIN);
}

static void
test_too_small(void **state)
{
    size_t before = open_count();
    size_t count = 2;
    int arrived[2];
    char data[2];

    (void)state;
    assert_int_equal(send_many(1), 4);
    assert_int_equal(
        coh_fds_receive(fds[1], data, sizeof(data), arrived, &count),
        -EMSGSIZE);
    assert_int_equal(count, 0);
    count = 2;
    assert_int_equal(send_many(3), 4);
    assert_int_equal(
        coh_fds_receive(fds[1], data, sizeof(data), arrived, &count), -EMFILE);
    assert_int_equal(count, 0);
    assert_int_equal(open_count(), before);
}

/* What is cut off a stream costs no byte of it. */
static void
test_stream(void **state)
{
    size_t before = open_count();
    size_t count = 2;
    int arrived[2];
    char data[16];
    bool is_cut;

    (void)state;
    close(fds[0]);
    close(fds[1]);
    assert_int_equal(coh_socket_pair(SOCK_STREAM, fds), 0);
    assert_int_equal(send_many(3), 4);
    assert_int_equal(
        coh_fds_receive_cut(
            fds[1], data, sizeof(data), arrived, &count, &is_cut),
        4);
    assert_true(is_cut);
    assert_int_equal(count, 0);
    count = 2;
    assert_int_equal(send_many(2), 4);
    assert_int_equal(
        coh_fds_receive_cut(fds[1], data, 1, arrived, &count, &is_cut), 1);
    assert_false(is_cut);
    assert_int_equal(count, 2);
    close_all(arrived, count);
    assert_int_equal(
        coh_fds_receive_cut(
            fds[1], data, sizeof(data), arrived, &count, &is_cut),
        3);
    assert_int_equal(count, 0);
    assert_memory_equal(data, "bcd", 3);
    assert_int_equal(open_count(), before);
}

/* The descriptor limit cuts off what does not fit. */
static void
test_limit(void **state)
{
    struct test_fd_limit limit;
    size_t count = COH_FDPASS_MAX;
    int arrived[COH_FDPASS_MAX];
    char data[16];
    size_t opened = open_count();
    ssize_t result;

    (void)state;
    assert_int_equal(send_many(8), 4);
    limit = test_limit_fds(3);
    result = coh_fds_receive(fds[1], data, sizeof(data), arrived, &count);
    test_unlimit_fds(&limit);
    assert_int_equal(result, -EMFILE);
    assert_int_equal(count, 0);
    assert_int_equal(open_count(), opened);
}

#define TEST(function)                                                         \
    cmocka_unit_test_setup_teardown(function, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_counts),
        TEST(test_empty_and_end),
        TEST(test_descriptors_alone),
        TEST(test_gone),
        TEST(test_end_after_unread),
        TEST(test_full),
        TEST(test_too_small),
        TEST(test_stream),
        TEST(test_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
