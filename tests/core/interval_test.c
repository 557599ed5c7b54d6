/* Ticks come, finer than libevent's own, and stop when they are told to. */
#include "core/interval.h"

#include <event2/event.h>
#include <time.h>

#include "tests/core/test.h"

#define EVERY_US 200
#define TICKS 20

static struct event_base *base;
static struct coh_interval interval = COH_INTERVAL_INIT;
static unsigned ticks;

static int
setup(void **state)
{
    (void)state;
    base = event_base_new();
    ticks = 0;
    return base == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
    (void)state;
    coh_interval_stop(&interval);
    event_base_free(base);
    return 0;
}

static void
on_tick(void *user)
{
    assert_ptr_equal(user, &ticks);
    if (++ticks == TICKS) {
        coh_interval_stop(&interval);
    }
}

static uint64_t
now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void
ticks_come_until_it_is_stopped(void **state)
{
    uint64_t start_us = now_us();

    (void)state;
    assert_int_equal(
        coh_interval_start(&interval, base, EVERY_US, on_tick, &ticks), 0);
    assert_true(coh_interval_is_running(&interval));
    /* Ends when nothing is waited for any more. */
    assert_in_range(event_base_dispatch(base), 0, 1);
    assert_int_equal(ticks, TICKS);
    assert_false(coh_interval_is_running(&interval));
    assert_true(now_us() - start_us >= TICKS * EVERY_US);
}

static void
a_second_start_replaces_the_first(void **state)
{
    (void)state;
    assert_int_equal(
        coh_interval_start(&interval, base, 900000, on_tick, &ticks), 0);
    assert_int_equal(
        coh_interval_start(&interval, base, EVERY_US, on_tick, &ticks), 0);
    assert_in_range(event_base_dispatch(base), 0, 1);
    assert_int_equal(ticks, TICKS);
}

static void
a_stopped_one_can_be_stopped(void **state)
{
    (void)state;
    coh_interval_stop(&interval);
    coh_interval_stop(&interval);
    assert_false(coh_interval_is_running(&interval));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            ticks_come_until_it_is_stopped, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_second_start_replaces_the_first, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_stopped_one_can_be_stopped, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
