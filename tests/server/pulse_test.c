/* The beat of a worker, and the turns of its loop as others see them. */
#include "server/process/pulse.h"

#include <string.h>

#include "core/event.h"
#include "tests/core/test.h"

static struct coh_loop loop;
static struct coh_pulse pulse;
static struct coh_pulse_beat beat;

static int
setup(void **state)
{
    (void)state;
    memset(&pulse, 0, sizeof(pulse));
    return coh_loop_init(&loop, NULL);
}

static int
teardown(void **state)
{
    (void)state;
    coh_pulse_end(&beat);
    coh_loop_fini(&loop);
    return 0;
}

static uint64_t
busy_since(void)
{
    return atomic_load(&pulse.busy_since);
}

/* Two callbacks of one turn: only the first asks for the time. */
static void
in_a_turn(evutil_socket_t fd, short what, void *user)
{
    (void)fd;
    (void)what;
    assert_int_equal(busy_since(), 0);
    coh_loop_update(user);
    assert_int_equal(busy_since(), coh_loop_now_ms(user));
}

static void
in_the_next(evutil_socket_t fd, short what, void *user)
{
    (void)fd;
    (void)what;
    assert_int_equal(busy_since(), 0);
    coh_loop_stop(user);
}

static void
test_a_turn_is_seen_from_outside(void **state)
{
    const struct timeval later = {.tv_usec = 20000};

    (void)state;
    assert_int_equal(coh_pulse_begin(&beat, &pulse, &loop, 60000), 0);
    event_base_once(loop.base, -1, EV_TIMEOUT, in_a_turn, &loop, NULL);
    event_base_once(loop.base, -1, EV_TIMEOUT, in_the_next, &loop, &later);
    assert_int_equal(coh_loop_run(&loop), 0);
}

static void
stop(evutil_socket_t fd, short what, void *user)
{
    (void)fd;
    (void)what;
    coh_loop_stop(user);
}

static void
test_it_beats_four_times_per_limit(void **state)
{
    const struct timeval later = {.tv_usec = 150000};
    uint64_t began_ms = coh_monotonic_ms();

    (void)state;
    assert_int_equal(coh_pulse_begin(&beat, &pulse, &loop, 200), 0);
    assert_int_equal(atomic_load(&pulse.beat_ms), 50);
    assert_true(atomic_load(&pulse.last_beat) >= began_ms);
    event_base_once(loop.base, -1, EV_TIMEOUT, stop, &loop, &later);
    assert_int_equal(coh_loop_run(&loop), 0);
    assert_true(atomic_load(&pulse.last_beat) >= began_ms + 40);
}

/* The lag is told all the same. */
static void
test_nobody_watches(void **state)
{
    (void)state;
    assert_int_equal(coh_pulse_begin(&beat, &pulse, &loop, 0), 0);
    assert_int_equal(atomic_load(&pulse.last_beat), 0);
    assert_ptr_equal(loop.busy_since, &loop.own_busy_since);
    assert_true(atomic_load(&pulse.due_ms) > 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_turn_is_seen_from_outside),
        TEST(test_it_beats_four_times_per_limit),
        TEST(test_nobody_watches),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
