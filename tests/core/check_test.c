/* How a process ends itself: what it says, and its status. */
#include "tests/core/test.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/check.h"

static char said[1000];

/* Run body in a child; its wait status, its standard error in said. */
static int
run(void (*body)(void))
{
    int ends[2];
    int status;
    pid_t child;
    ssize_t got;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    if (child == 0) {
        /* Not cmocka's handlers: they would take it for a failed test. */
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        body();
        _exit(0);
    }
    close(ends[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    got = read(ends[0], said, sizeof(said) - 1);
    said[got < 0 ? 0 : got] = '\0';
    close(ends[0]);
    return status;
}

static void
check_what_holds(void)
{
    COH_CHECK(1 + 1 == 2);
}

static void
check_what_does_not(void)
{
    COH_CHECK(1 + 1 == 3);
}

static void
ask_too_much(void)
{
    coh_arena_alloc(coh_arena_new(64), SIZE_MAX - 100);
}

static void
ask_too_much_at_once(void)
{
    coh_arena_new(SIZE_MAX / 2 + 1);
}

static void
test_check(void **state)
{
    int status = run(check_what_does_not);

    (void)state;
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(
        strstr(said, ": check failed: 1 + 1 == 3 at tests/core/check_test.c:"));
    assert_int_equal(said[strlen(said) - 1], '\n');
    assert_int_equal(run(check_what_holds), 0);
    assert_string_equal(said, "");
}

static void
test_memory(void **state)
{
    void (*const bodies[])(void) = {ask_too_much, ask_too_much_at_once};

    (void)state;
    for (int i = 0; i < 2; i++) {
        int status = run(bodies[i]);

        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 1);
        assert_non_null(strstr(said, ": out of memory ("));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
