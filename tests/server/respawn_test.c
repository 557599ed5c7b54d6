/* The back-off before dead workers are replaced. */
#include "server/primary/respawn.h"

#include "tests/core/test.h"

static void
die_young(struct coh_respawn *respawn, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        coh_respawn_delay(respawn, 1);
    }
}

static void
test_first_deaths_cost_nothing(void **state)
{
    struct coh_respawn respawn = {0};

    (void)state;
    for (unsigned i = 0; i < COH_RESPAWN_FREE_DEATHS; i++) {
        assert_int_equal(coh_respawn_delay(&respawn, 0), 0);
    }
}

static void
test_the_fifth_waits_and_each_one_longer(void **state)
{
    static const uint64_t expected[] = {100,   200,   400,   800,
                                        1600,  3200,  6400,  12800,
                                        25600, 30000, 30000, 30000};
    struct coh_respawn respawn = {0};

    (void)state;
    die_young(&respawn, COH_RESPAWN_FREE_DEATHS);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        assert_int_equal(coh_respawn_delay(&respawn, 999), expected[i]);
    }
}

static void
test_a_longer_life_breaks_the_row(void **state)
{
    struct coh_respawn respawn = {0};

    (void)state;
    die_young(&respawn, COH_RESPAWN_FREE_DEATHS);
    assert_int_equal(coh_respawn_delay(&respawn, 1000), 0);
    die_young(&respawn, COH_RESPAWN_FREE_DEATHS);
    assert_int_equal(coh_respawn_delay(&respawn, 0), 100);
}

static void
test_only_ten_seconds_reset_the_delay(void **state)
{
    struct coh_respawn respawn = {0};

    (void)state;
    die_young(&respawn, COH_RESPAWN_FREE_DEATHS + 3);
    assert_int_equal(coh_respawn_delay(&respawn, 9999), 0);
    die_young(&respawn, COH_RESPAWN_FREE_DEATHS);
    assert_int_equal(coh_respawn_delay(&respawn, 0), 800);
    assert_int_equal(coh_respawn_delay(&respawn, 10000), 0);
    die_young(&respawn, COH_RESPAWN_FREE_DEATHS);
    assert_int_equal(coh_respawn_delay(&respawn, 0), 100);
}

static void
test_a_group_keeps_its_pace(void **state)
{
    struct coh_respawn_pace pace = {0};
    const unsigned workers = 2;
    unsigned at_once = 0;

    (void)state;
    while (coh_respawn_pace(&pace, 1000, workers) == 0) {
        at_once++;
    }
    assert_int_equal(at_once, workers * COH_RESPAWN_PER_MINUTE + 1);
    /* The one that had to wait took the first free place, this the second. */
    assert_int_equal(coh_respawn_pace(&pace, 1000, workers), 1500);
    assert_int_equal(coh_respawn_pace(&pace, 61000, workers), 0);
    /* As many as before, once it has been quiet. */
    at_once = 0;
    while (coh_respawn_pace(&pace, 300000, workers) == 0) {
        at_once++;
    }
    assert_int_equal(at_once, workers * COH_RESPAWN_PER_MINUTE + 1);
}

static void
test_a_steady_pace_never_waits(void **state)
{
    struct coh_respawn_pace pace = {0};

    (void)state;
    for (uint64_t now_ms = 0; now_ms < 600000; now_ms += 500) {
        assert_int_equal(coh_respawn_pace(&pace, now_ms, 4), 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_deaths_cost_nothing),
        cmocka_unit_test(test_the_fifth_waits_and_each_one_longer),
        cmocka_unit_test(test_a_longer_life_breaks_the_row),
        cmocka_unit_test(test_only_ten_seconds_reset_the_delay),
        cmocka_unit_test(test_a_group_keeps_its_pace),
        cmocka_unit_test(test_a_steady_pace_never_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
