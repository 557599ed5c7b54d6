/* The histogram of durations: every duration falls into one bucket. */
#include "http/duration.h"

#include "tests/core/test.h"

static void
count_in(uint64_t milliseconds, size_t bucket)
{
    uint64_t places[COH_DURATION_BUCKETS + 1] = {0};

    coh_duration_count(places, milliseconds);
    for (size_t i = 0; i < COH_DURATION_BUCKETS; i++) {
        assert_int_equal(places[i], i == bucket ? 1 : 0);
    }
    assert_int_equal(places[COH_DURATION_BUCKETS], milliseconds * 1000);
}

static void
test_bounds_belong_to_their_bucket(void **state)
{
    (void)state;
    count_in(0, 0);
    count_in(1, 0);
    count_in(2, 1);
    count_in(5, 1);
    count_in(6, 2);
    count_in(1000, 8);
    count_in(10000, 11);
}

static void
test_what_is_longer_than_all_bounds_is_counted(void **state)
{
    (void)state;
    count_in(10001, COH_DURATION_BUCKETS - 1);
    count_in(86400000, COH_DURATION_BUCKETS - 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds_belong_to_their_bucket),
        cmocka_unit_test(test_what_is_longer_than_all_bounds_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
