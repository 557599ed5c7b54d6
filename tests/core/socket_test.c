/* Descriptors in bulk, socket options, the length of the accept queue. */
#include "tests/core/test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/addr.h"
#include "core/socket.h"

static bool
is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static bool
is_cloexec(int fd)
{
    return (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
}

static void
test_flags(void **state)
{
    int fd = dup(0);

    (void)state;
    assert_int_equal(coh_fd_set_cloexec(fd, true), 0);
    assert_true(is_cloexec(fd));
    assert_int_equal(coh_fd_set_cloexec(fd, false), 0);
    assert_false(is_cloexec(fd));
    close(fd);
    assert_int_equal(coh_fd_set_cloexec(fd, true), -EBADF);
    assert_int_equal(coh_fd_set_nonblocking(fd, true), -EBADF);
}

static void
test_cloexec_from(void **state)
{
    int first = fcntl(0, F_DUPFD, 50);
    int kept = fcntl(0, F_DUPFD, 60);
    int last = fcntl(0, F_DUPFD, 70);

    (void)state;
    assert_int_equal(coh_fds_cloexec_from(first, &kept, 1), 0);
    assert_true(is_cloexec(first));
    assert_false(is_cloexec(kept));
    assert_true(is_cloexec(last));
    assert_false(is_cloexec(0));
    close(first);
    close(kept);
    close(last);
}

static void
test_close_from(void **state)
{
    int keep[] = {70, 3, 50, 51}; /* in no order, one below first */

    (void)state;
    for (int fd = 48; fd < 73; fd++) {
        assert_int_equal(dup2(0, fd), fd);
    }
    assert_int_equal(coh_fds_close_from(49, keep, 4), 0);
    for (int fd = 48; fd < 73; fd++) {
        bool is_kept = fd == 48 || fd == 50 || fd == 51 || fd == 70;

        assert_int_equal(is_open(fd), is_kept);
    }
    assert_int_equal(coh_fds_close_from(48, NULL, 0), 0);
    assert_false(is_open(70));
}

/* As kernels before 5.9 and some containers do. */
static int
refuse_close_range(void)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close_range, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = 4, .filter = rules};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
        return -1;
    }
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void
test_without_close_range(void **state)
{
    int status;
    pid_t child;

    (void)state;
    child = fork();
    if (child == 0) {
        alarm(10);
        if (refuse_close_range() < 0) {
            _exit(0); /* not allowed here: nothing to see */
        }
        test_cloexec_from(NULL);
        test_close_from(NULL);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* In a child: the test needs its own three. */
static void
test_fill_standard(void **state)
{
    int status;
    pid_t child;

    (void)state;
    child = fork();
    if (child == 0) {
        bool is_filled;

        close(0);
        close(2);
        is_filled = coh_fds_fill_standard() == 0 && is_open(0) && is_open(2);
        _exit(is_filled && write(2, "x", 1) == 1 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void
test_pair(void **state)
{
    int fds[2];

    (void)state;
    assert_int_equal(coh_socket_pair(SOCK_SEQPACKET, fds), 0);
    for (int i = 0; i < 2; i++) {
        assert_true(is_cloexec(fds[i]));
        assert_true((fcntl(fds[i], F_GETFL) & O_NONBLOCK) != 0);
        assert_int_equal(coh_socket_queue_length(fds[i]), -EOPNOTSUPP);
        close(fds[i]);
    }
    assert_int_equal(coh_socket_pair(-1, fds), -EINVAL);
}

static int
connect_to(int listener)
{
    struct coh_addr addr;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(coh_addr_of_socket(listener, &addr), 0);
    assert_int_equal(connect(fd, &addr.u.any, addr.size), 0);
    return fd;
}

static void
test_queue_length(void **state)
{
    struct sockaddr_in loopback = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int first;
    int second;
    int accepted;

    (void)state;
    assert_int_equal(
        coh_socket_option(listener, IPPROTO_TCP, TCP_NODELAY, 1), 0);
    assert_int_equal(
        coh_socket_option(listener, IPPROTO_TCP, 9999, 1), -ENOPROTOOPT);
    assert_int_equal(
        bind(listener, (struct sockaddr *)&loopback, sizeof(loopback)), 0);
    assert_int_equal(listen(listener, 16), 0);
    assert_int_equal(coh_socket_queue_length(listener), 0);
    first = connect_to(listener);
    second = connect_to(listener);
    assert_int_equal(coh_socket_queue_length(listener), 2);
    accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(accepted >= 0);
    assert_int_equal(coh_socket_queue_length(listener), 1);
    close(accepted);
    close(first);
    close(second);
    close(listener);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_cloexec_from),
        cmocka_unit_test(test_close_from),
        cmocka_unit_test(test_without_close_range),
        cmocka_unit_test(test_fill_standard),
        cmocka_unit_test(test_pair),
        cmocka_unit_test(test_queue_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
