/* How a generation on trial is judged. */
#include "server/primary/canary.h"

#include <string.h>

#include "tests/core/test.h"

static struct coh_health
health(uint64_t good, uint64_t bad, uint64_t mean_us)
{
    struct coh_health made = {.counts = {0}};

    made.counts[COHORT_HEALTH_GOOD] = good;
    made.counts[COHORT_HEALTH_BAD] = bad;
    made.counts[COHORT_HEALTH_LATENCY] = (good + bad) * mean_us;
    return made;
}

static void
assert_verdict(
    struct coh_health canary, struct coh_health old, bool is_over,
    enum coh_canary_verdict expected, const char *words)
{
    char why[COH_CANARY_WHY_MAX] = "";

    assert_int_equal(coh_canary_judge(&canary, &old, is_over, why), expected);
    assert_non_null(strstr(why, words));
}

static void
test_errors_are_enough_before_the_time_is_over(void **state)
{
    (void)state;
    assert_verdict(
        health(0, 3, 1), health(100, 0, 1), false, COH_CANARY_BAD,
        "3 of its 3 requests failed");
    assert_verdict(
        health(0, 2, 1), health(100, 0, 1), false, COH_CANARY_UNDECIDED, "");
    assert_verdict(
        health(0, 2, 1), health(100, 0, 1), true, COH_CANARY_BAD,
        "fails too often");
}

static void
test_what_fails_on_both_sides_is_not_held_against_it(void **state)
{
    (void)state;
    assert_verdict(
        health(90, 10, 1), health(900, 100, 1), true, COH_CANARY_GOOD,
        "100 of 1000");
    assert_verdict(
        health(70, 30, 1), health(900, 100, 1), true, COH_CANARY_BAD,
        "30 of its 100");
    assert_verdict(
        health(0, 50, 1), health(0, 500, 1), true, COH_CANARY_GOOD, "");
}

static void
test_a_rare_error_is_forgiven(void **state)
{
    (void)state;
    assert_verdict(
        health(40, 2, 1), health(400, 0, 1), true, COH_CANARY_GOOD, "");
    assert_verdict(
        health(1000, 9, 1), health(9000, 0, 1), true, COH_CANARY_GOOD, "");
    assert_verdict(
        health(1000, 20, 1), health(9000, 0, 1), true, COH_CANARY_BAD, "");
}

static void
test_slowness_counts_at_the_end_and_by_enough_requests(void **state)
{
    (void)state;
    assert_verdict(
        health(50, 0, 80000), health(500, 0, 1000), false, COH_CANARY_UNDECIDED,
        "");
    assert_verdict(
        health(50, 0, 80000), health(500, 0, 1000), true, COH_CANARY_BAD,
        "too slow: 0 of its 50 requests failed, which took 80.0 ms");
    assert_verdict(
        health(50, 0, 40000), health(500, 0, 1000), true, COH_CANARY_GOOD, "");
    assert_verdict(
        health(9, 0, 900000), health(500, 0, 1000), true, COH_CANARY_GOOD, "");
}

static void
test_without_requests_there_is_nothing_against_it(void **state)
{
    (void)state;
    assert_verdict(
        health(0, 0, 0), health(500, 5, 1000), false, COH_CANARY_UNDECIDED, "");
    assert_verdict(
        health(0, 0, 0), health(500, 5, 1000), true, COH_CANARY_GOOD,
        "no request");
}

static void
test_who_holds_connections_and_answers_nothing_hangs(void **state)
{
    struct coh_health canary = health(0, 0, 0);

    (void)state;
    canary.open_count = 3;
    assert_verdict(canary, health(5, 0, 1), false, COH_CANARY_UNDECIDED, "");
    assert_verdict(
        canary, health(5, 0, 1), true, COH_CANARY_BAD,
        "it has 3 connections and has answered none");
    assert_verdict(
        canary, health(0, 0, 0), true, COH_CANARY_GOOD, "not answered it yet");
    canary.open_count = 2;
    assert_verdict(
        canary, health(5, 0, 1), true, COH_CANARY_GOOD, "not answered it yet");
    canary = health(1, 0, 1);
    canary.open_count = 100;
    assert_verdict(canary, health(5, 0, 1), true, COH_CANARY_GOOD, "does well");
}

static void
test_a_worker_that_hangs_at_the_end_is_enough(void **state)
{
    struct coh_health canary = health(50, 0, 1);

    (void)state;
    canary.hanging_count = 1;
    assert_verdict(canary, health(50, 0, 1), false, COH_CANARY_UNDECIDED, "");
    assert_verdict(
        canary, health(50, 0, 1), true, COH_CANARY_BAD,
        "1 of its workers has not come back");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors_are_enough_before_the_time_is_over),
        cmocka_unit_test(test_what_fails_on_both_sides_is_not_held_against_it),
        cmocka_unit_test(test_a_rare_error_is_forgiven),
        cmocka_unit_test(
            test_slowness_counts_at_the_end_and_by_enough_requests),
        cmocka_unit_test(test_without_requests_there_is_nothing_against_it),
        cmocka_unit_test(test_who_holds_connections_and_answers_nothing_hangs),
        cmocka_unit_test(test_a_worker_that_hangs_at_the_end_is_enough),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
