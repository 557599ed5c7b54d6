/* Signals that come when nobody reads them any more. */
#include "server/process/signals.h"

#include <signal.h>

#include "core/event.h"
#include "tests/core/test.h"

static int got_count;

static void
on_handled(int number)
{
    (void)number;
    got_count++;
}

static void
on_signal(void *user, int number, bool is_by_process)
{
    (void)user;
    (void)number;
    (void)is_by_process;
}

/* The mask that is restored would deliver the first alone. */
static void
test_what_came_too_late_is_dropped(void **state)
{
    static const int numbers[] = {SIGUSR1, 0};
    const struct sigaction handled = {.sa_handler = on_handled};
    struct coh_loop loop;
    struct coh_signals signals;
    sigset_t before;
    sigset_t pending;

    (void)state;
    sigemptyset(&before);
    sigaddset(&before, SIGUSR2);
    assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
    assert_int_equal(sigaction(SIGUSR1, &handled, NULL), 0);
    assert_int_equal(coh_loop_init(&loop, NULL), 0);
    assert_int_equal(
        coh_signals_init(&signals, &loop, numbers, on_signal, NULL), 0);
    coh_signals_fini(&signals);
    coh_loop_fini(&loop);
    raise(SIGUSR1);
    raise(SIGUSR2); /* the program's own business */
    coh_signals_drop(&before);
    assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
    assert_int_equal(got_count, 0);
    assert_int_equal(sigpending(&pending), 0);
    assert_int_equal(sigismember(&pending, SIGUSR2), 1);
    raise(SIGUSR1); /* from here on they come again */
    assert_int_equal(got_count, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_came_too_late_is_dropped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
