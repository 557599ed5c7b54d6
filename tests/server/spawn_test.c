/* Raw forks: pidfds, parents, signals, and the program executed anew. */
#include "server/process/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/core/test.h"

#define EXECUTED "COHORT_SPAWN_TEST"

static int
wait_for(int pidfd)
{
    siginfo_t info = {0};

    assert_int_equal(waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED), 0);
    close(pidfd);
    return info.si_code == CLD_EXITED ? info.si_status : -info.si_status;
}

static void
test_the_child_knows_who_it_is(void **state)
{
    pid_t parent = getpid();
    int pidfd = -1;
    pid_t pid = coh_spawn_fork(false, &pidfd);

    (void)state;
    if (pid == 0) {
        _exit(getppid() == parent && gettid() == getpid() ? 7 : 1);
    }
    assert_true(pid > 0);
    assert_int_equal(wait_for(pidfd), 7);
}

static void
test_signals_wait_until_the_child_is_ready(void **state)
{
    static const int ignored[] = {SIGUSR1, 0};
    int pidfd = -1;
    pid_t pid = coh_spawn_fork(false, &pidfd);

    (void)state;
    if (pid == 0) {
        raise(SIGUSR1); /* blocked, then ignored */
        coh_spawn_child_signals(ignored);
        raise(SIGUSR2); /* the default: the end */
        _exit(0);
    }
    assert_int_equal(wait_for(pidfd), -SIGUSR2);
}

/* A sibling is our parent's child: here, the test's own. */
static void
test_a_sibling_is_the_parents(void **state)
{
    pid_t test = getpid();
    int pidfd = -1;
    int pipes[2];
    pid_t sibling = 0;

    (void)state;
    assert_int_equal(pipe(pipes), 0);
    if (coh_spawn_fork(false, &pidfd) == 0) {
        int sibling_fd;
        pid_t pid = coh_spawn_fork(true, &sibling_fd);

        if (pid == 0) {
            _exit(getppid() == test ? 9 : 1);
        }
        _exit(write(pipes[1], &pid, sizeof(pid)) == sizeof(pid) ? 0 : 1);
    }
    assert_int_equal(wait_for(pidfd), 0);
    assert_int_equal(
        read(pipes[0], &sibling, sizeof(sibling)), sizeof(sibling));
    assert_int_equal(waitpid(sibling, &pidfd, 0), sibling);
    assert_int_equal(WEXITSTATUS(pidfd), 9);
    close(pipes[0]);
    close(pipes[1]);
}

static void
test_it_dies_with_its_parent(void **state)
{
    struct pollfd end = {.events = POLLIN};
    int pidfd = -1;
    int pipes[2];

    (void)state;
    assert_int_equal(pipe(pipes), 0);
    if (coh_spawn_fork(false, &pidfd) == 0) {
        int child_fd;

        if (coh_spawn_fork(false, &child_fd) == 0) {
            coh_spawn_die_with_parent(getppid(), SIGKILL);
            (void)!write(pipes[1], "!", 1);
            pause();
        }
        close(pipes[1]);
        (void)!read(pipes[0], &child_fd, 1); /* it is prepared */
        _exit(0);
    }
    close(pipes[1]);
    assert_int_equal(wait_for(pidfd), 0);
    end.fd = pipes[0];
    assert_int_equal(poll(&end, 1, 5000), 1); /* its end of the pipe closed */
    close(pipes[0]);
}

static void
test_a_parent_that_is_gone_is_noticed(void **state)
{
    (void)state;
    assert_int_equal(coh_spawn_die_with_parent(1, SIGKILL), -ESRCH);
}

/* Only what is kept is open in the program that is executed. */
static void
test_executed_anew(void **state)
{
    char program[] = "spawn_test";
    char *words[] = {program, NULL};
    int kept = dup(STDERR_FILENO);
    int lost = dup(STDERR_FILENO);
    char numbers[32];
    int pidfd = -1;

    (void)state;
    snprintf(numbers, sizeof(numbers), "%d %d", kept, lost);
    if (coh_spawn_fork(false, &pidfd) == 0) {
        setenv(EXECUTED, numbers, 1);
        coh_spawn_self(words, &kept, 1);
        _exit(1);
    }
    assert_int_equal(wait_for(pidfd), 42);
    close(kept);
    close(lost);
}

static int
run_executed(const char *numbers)
{
    sigset_t mask;
    int kept = -1;
    int lost = -1;

    if (sscanf(numbers, "%d %d", &kept, &lost) != 2 ||
        fcntl(kept, F_GETFD) < 0 || fcntl(lost, F_GETFD) >= 0) {
        return 2;
    }
    sigprocmask(SIG_SETMASK, NULL, &mask);
    return sigismember(&mask, SIGTERM) ? 3 : 42;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_child_knows_who_it_is),
        cmocka_unit_test(test_signals_wait_until_the_child_is_ready),
        cmocka_unit_test(test_a_sibling_is_the_parents),
        cmocka_unit_test(test_it_dies_with_its_parent),
        cmocka_unit_test(test_a_parent_that_is_gone_is_noticed),
        cmocka_unit_test(test_executed_anew),
    };

    if (getenv(EXECUTED)) {
        return run_executed(getenv(EXECUTED));
    }
    if (coh_spawn_init() < 0) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
