/* When it pays to accept at intervals, and when it is given up. */
#include "server/accept/moderation.h"

#include "tests/core/test.h"

#define START_US 1000000000
#define STEP_US COH_MODERATION_INTERVAL_US
#define FAST (2 * COH_MODERATION_RATE)

static struct coh_moderation moderation;
static uint64_t now_us;

static int
setup(void **state)
{
    (void)state;
    moderation = (struct coh_moderation){.is_on = false};
    now_us = START_US;
    coh_moderation_count(&moderation, 0, now_us);
    return 0;
}

/* One epoch at a rate; whether it has changed something. */
static bool
epoch(unsigned rate)
{
    bool is_changed = false;

    for (unsigned t = 0; t < COH_MODERATION_EPOCH_US; t += STEP_US) {
        now_us += STEP_US;
        is_changed |=
            coh_moderation_count(&moderation, rate * STEP_US / 1000000, now_us);
    }
    return is_changed;
}

/* How many epochs at a rate until it changes. */
static unsigned
epochs_until_change(unsigned rate)
{
    unsigned count = 1;

    while (!epoch(rate)) {
        assert_in_range(++count, 0, 10 * COH_MODERATION_PATIENCE);
    }
    return count;
}

static void
slow_rates_are_never_moderated(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        assert_false(epoch(COH_MODERATION_RATE / 2));
    }
    assert_false(moderation.is_on);
}

static void
one_connection_after_a_pause_is_no_fast_rate(void **state)
{
    (void)state;
    now_us += 3600 * UINT64_C(1000000);
    assert_false(coh_moderation_count(&moderation, 64, now_us));
    assert_false(moderation.is_on);
}

static void
a_fast_rate_is_moderated_after_an_epoch(void **state)
{
    (void)state;
    assert_int_equal(epochs_until_change(FAST), 1);
    assert_true(moderation.is_on);
}

static void
what_slows_nobody_down_is_trusted_longer_each_time(void **state)
{
    unsigned last = 0;

    (void)state;
    for (unsigned i = 0; i < 12; i++) {
        unsigned trust;

        assert_int_equal(epochs_until_change(FAST), 1);
        assert_true(moderation.is_on);
        trust = epochs_until_change(FAST);
        assert_false(moderation.is_on); /* for an epoch, to compare */
        assert_true(trust > last || trust == COH_MODERATION_PATIENCE);
        last = trust;
    }
    assert_int_equal(last, COH_MODERATION_PATIENCE);
}

static void
what_slows_clients_down_is_given_up_for_longer_each_time(void **state)
{
    unsigned last = 0;

    (void)state;
    for (unsigned i = 0; i < 12; i++) {
        unsigned caution = epochs_until_change(FAST);

        assert_true(moderation.is_on);
        assert_true(caution > last || caution == COH_MODERATION_PATIENCE + 1);
        last = caution;
        assert_int_equal(epochs_until_change(FAST / 2), 1);
        assert_false(moderation.is_on);
    }
    assert_int_equal(last, COH_MODERATION_PATIENCE + 1);
}

static void
a_little_less_is_not_slower(void **state)
{
    (void)state;
    epochs_until_change(FAST);
    assert_true(moderation.is_on);
    moderation.left = 2;
    assert_false(epoch(FAST * 15 / 16));
    assert_true(moderation.is_on);
}

static void
the_end_of_a_load_ends_it(void **state)
{
    (void)state;
    epochs_until_change(FAST);
    assert_true(epoch(0));
    assert_false(moderation.is_on);
}

static void
what_cannot_be_done_counts_as_failure(void **state)
{
    (void)state;
    epochs_until_change(FAST);
    coh_moderation_end(&moderation, now_us);
    assert_false(moderation.is_on);
    assert_int_equal(epochs_until_change(FAST), 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(slow_rates_are_never_moderated, setup),
        cmocka_unit_test_setup(
            one_connection_after_a_pause_is_no_fast_rate, setup),
        cmocka_unit_test_setup(a_fast_rate_is_moderated_after_an_epoch, setup),
        cmocka_unit_test_setup(
            what_slows_nobody_down_is_trusted_longer_each_time, setup),
        cmocka_unit_test_setup(
            what_slows_clients_down_is_given_up_for_longer_each_time, setup),
        cmocka_unit_test_setup(a_little_less_is_not_slower, setup),
        cmocka_unit_test_setup(the_end_of_a_load_ends_it, setup),
        cmocka_unit_test_setup(what_cannot_be_done_counts_as_failure, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
