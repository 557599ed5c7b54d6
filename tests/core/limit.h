/* Few descriptors, for tests of what happens when there are none left. */
#ifndef COH_TESTS_CORE_LIMIT_H
#define COH_TESTS_CORE_LIMIT_H

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/core/test.h"

/* A child sets the limit and puts it back: valgrind answers a process that
   limits itself, and leaves the kernel's limit as it is. */
struct test_fd_limit {
    pid_t child;
    int channel;
};

/* In the child: limit, say so, wait, put it back. */
static inline void
test_limit_parent(int channel, int max)
{
    struct rlimit before;
    struct rlimit now;
    char byte;

    if (prlimit(getppid(), RLIMIT_NOFILE, NULL, &before) < 0) {
        _exit(1);
    }
    now = before;
    now.rlim_cur = (rlim_t)max;
    if (prlimit(getppid(), RLIMIT_NOFILE, &now, NULL) < 0 ||
        write(channel, "x", 1) != 1) {
        _exit(1);
    }
    _exit(
        read(channel, &byte, 1) != 1 ||
        prlimit(getppid(), RLIMIT_NOFILE, &before, NULL) < 0);
}

/* From now on so many more can be opened. */
static inline struct test_fd_limit
test_limit_fds(int room)
{
    struct test_fd_limit limit;
    char byte;
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    limit = (struct test_fd_limit){.child = fork(), .channel = pair[0]};
    assert_true(limit.child >= 0);
    if (limit.child == 0) {
        /* The second one is the lowest that the parent has free. */
        test_limit_parent(pair[1], pair[1] + room);
    }
    close(pair[1]);
    assert_int_equal(read(limit.channel, &byte, 1), 1);
    return limit;
}

static inline void
test_unlimit_fds(const struct test_fd_limit *limit)
{
    int status;

    assert_int_equal(write(limit->channel, "x", 1), 1);
    assert_int_equal(waitpid(limit->child, &status, 0), limit->child);
    assert_int_equal(status, 0);
    close(limit->channel);
}

#endif
