/* What a Node primary tells a worker in its environment. */
#include "tests/core/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/socket.h"
#include "server/channel/node_environment.h"

static int fds[2];

static int
setup(void **state)
{
    (void)state;
    return socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
}

static int
teardown(void **state)
{
    (void)state;
    close(fds[0]);
    return close(fds[1]);
}

static void
set_number(const char *name, int number)
{
    char text[16];

    snprintf(text, sizeof(text), "%d", number);
    setenv(name, text, 1);
}

static void
assert_refused(int result, const char *expected)
{
    struct coh_node_environment environment;
    const char *why = NULL;

    assert_int_equal(coh_node_environment_take(&environment, &why), result);
    assert_string_equal(why, expected);
    assert_null(getenv("NODE_CHANNEL_FD"));
    assert_null(getenv("NODE_UNIQUE_ID"));
    assert_null(getenv("NODE_CHANNEL_SERIALIZATION_MODE"));
}

static void
test_worker(void **state)
{
    struct coh_node_environment environment;
    const char *why;

    (void)state;
    set_number("NODE_CHANNEL_FD", fds[0]);
    setenv("NODE_UNIQUE_ID", "12", 1);
    setenv("NODE_CHANNEL_SERIALIZATION_MODE", "json", 1);
    assert_int_equal(coh_node_environment_take(&environment, &why), 0);
    assert_int_equal(environment.channel_fd, fds[0]);
    assert_int_equal(environment.worker_id, 12);
    assert_int_equal(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
    assert_true(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
    /* A second look finds what a grandchild would find. */
    assert_refused(-ENOENT, "no Node process has started this one");
}

static void
test_child_without_a_cluster(void **state)
{
    struct coh_node_environment environment;
    const char *why;

    (void)state;
    set_number("NODE_CHANNEL_FD", fds[0]);
    assert_int_equal(coh_node_environment_take(&environment, &why), 0);
    assert_int_equal(environment.worker_id, 0);
}

static void
test_refused(void **state)
{
    int pipes[2];

    (void)state;
    setenv("NODE_UNIQUE_ID", "1", 1);
    assert_refused(
        -EINVAL, "NODE_UNIQUE_ID is set, but NODE_CHANNEL_FD is not");
    set_number("NODE_CHANNEL_FD", fds[0]);
    setenv("NODE_UNIQUE_ID", "", 1);
    assert_refused(-EINVAL, "NODE_UNIQUE_ID is no number");
    setenv("NODE_CHANNEL_FD", "999999", 1);
    assert_refused(-EINVAL, "NODE_CHANNEL_FD is no stream socket");
    setenv("NODE_CHANNEL_FD", "-1", 1);
    assert_refused(-EINVAL, "NODE_CHANNEL_FD is no stream socket");
    assert_int_equal(pipe(pipes), 0);
    set_number("NODE_CHANNEL_FD", pipes[0]);
    assert_refused(-EINVAL, "NODE_CHANNEL_FD is no stream socket");
    close(pipes[0]);
    close(pipes[1]);
    set_number("NODE_CHANNEL_FD", fds[0]);
    setenv("NODE_CHANNEL_SERIALIZATION_MODE", "advanced", 1);
    assert_refused(
        -ENOTSUP,
        "NODE_CHANNEL_SERIALIZATION_MODE is not json: set the primary's "
        "serialization so");
}

static void
test_variables(void **state)
{
    struct coh_node_variables variables;

    (void)state;
    coh_node_variables_fill(&variables, 2147483647, UINT64_MAX);
    assert_string_equal(variables.channel_fd, "NODE_CHANNEL_FD=2147483647");
    assert_string_equal(
        variables.worker_id, "NODE_UNIQUE_ID=18446744073709551615");
    assert_string_equal(
        variables.serialization, "NODE_CHANNEL_SERIALIZATION_MODE=json");
    assert_true(coh_node_is_variable(variables.channel_fd));
    assert_true(coh_node_is_variable(variables.worker_id));
    assert_true(coh_node_is_variable("NODE_CHANNEL_SERIALIZATION_MODE="));
    assert_false(coh_node_is_variable("NODE_CHANNEL_FDS=1"));
    assert_false(coh_node_is_variable("NODE_UNIQUE_ID"));
    assert_false(coh_node_is_variable("PATH=/bin"));
}

#define TEST(function)                                                         \
    cmocka_unit_test_setup_teardown(function, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_worker),
        TEST(test_child_without_a_cluster),
        TEST(test_refused),
        TEST(test_variables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
