/* The beat of a worker: its period, and the lag of the loop that it tells. */
#include "server/process/pulse.h"

#include <stdlib.h>
#include <unistd.h>

#include "core/event.h"
#include "tests/core/test.h"

#define WATCHDOG_MS 80 /* a beat every 20 */
#define BLOCKED_MS 60

struct fixture {
    struct coh_loop loop;
    struct coh_pulse pulse;
    struct coh_pulse_beat beat;
    struct event block;
};

static int
setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    *state = fixture;
    return coh_loop_init(&fixture->loop, NULL);
}

static int
teardown(void **state)
{
    struct fixture *fixture = *state;

    coh_pulse_end(&fixture->beat);
    coh_loop_fini(&fixture->loop);
    free(fixture);
    return 0;
}

/* A callback that takes its time. */
static void
on_block(evutil_socket_t fd, short what, void *user)
{
    (void)fd;
    (void)what;
    (void)user;
    usleep(BLOCKED_MS * 1000);
}

/* Run the loop until that many beats have come. */
static void
run_beats(struct fixture *fixture, unsigned count)
{
    while (fixture->beat.count < count) {
        event_base_loop(fixture->loop.base, EVLOOP_ONCE);
    }
}

static void
test_a_callback_that_takes_its_time_is_lag(void **state)
{
    struct fixture *fixture = *state;
    const struct timeval soon = {.tv_usec = 10 * 1000};

    assert_int_equal(
        coh_pulse_begin(
            &fixture->beat, &fixture->pulse, &fixture->loop, WATCHDOG_MS),
        0);
    assert_int_equal(fixture->pulse.beat_ms, WATCHDOG_MS / 4);
    evtimer_assign(&fixture->block, fixture->loop.base, on_block, NULL);
    evtimer_add(&fixture->block, &soon);
    run_beats(fixture, 1);
    assert_true(fixture->pulse.lag_ms >= BLOCKED_MS - 20 - 4);
    assert_true(fixture->pulse.lag_ms < 10000);
}

static void
test_a_hitch_is_told_for_ten_beats(void **state)
{
    struct fixture *fixture = *state;

    coh_pulse_begin(
        &fixture->beat, &fixture->pulse, &fixture->loop, WATCHDOG_MS);
    fixture->pulse.due_ms -= 5000; /* as if it had been late */
    run_beats(fixture, COH_PULSE_RECENT);
    assert_true(fixture->pulse.lag_ms >= 5000);
    run_beats(fixture, COH_PULSE_RECENT + 1);
    assert_true(fixture->pulse.lag_ms < 5000);
}

static void
test_without_a_watchdog_only_the_lag_is_told(void **state)
{
    struct fixture *fixture = *state;
    uint64_t before = coh_monotonic_ms();

    coh_pulse_begin(&fixture->beat, &fixture->pulse, &fixture->loop, 0);
    assert_int_equal(fixture->pulse.beat_ms, 0);
    assert_int_equal(fixture->pulse.last_beat, 0);
    assert_true(fixture->pulse.due_ms >= before + COH_PULSE_PERIOD_MS);
}

static void
test_a_beat_that_is_overdue_counts_from_when_it_was_due(void **state)
{
    struct coh_pulse pulse = {.lag_ms = 7};

    (void)state;
    assert_int_equal(coh_pulse_lag(&pulse, 1000), 7); /* has not begun */
    pulse.due_ms = 1000;
    assert_int_equal(coh_pulse_lag(&pulse, 999), 7);
    assert_int_equal(coh_pulse_lag(&pulse, 1005), 7);
    assert_int_equal(coh_pulse_lag(&pulse, 1300), 300);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_a_callback_that_takes_its_time_is_lag, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_a_hitch_is_told_for_ten_beats, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_without_a_watchdog_only_the_lag_is_told, setup, teardown),
        cmocka_unit_test(
            test_a_beat_that_is_overdue_counts_from_when_it_was_due),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
