/* Sizes, times, numbers and flags, as tables. */
#include "tests/core/test.h"

#include <errno.h>

#include <cohort/conf.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct value_case {
    const char *text;
    int result;
    uint64_t value;
};

static const struct value_case size_cases[] = {
    {"0", 0, 0},
    {"1", 0, 1},
    {"8k", 0, 8192},
    {"8K", 0, 8192},
    {"1m", 0, 1 << 20},
    {"2M", 0, 2 << 20},
    {"2g", 0, 2ull << 30},
    {"2G", 0, 2ull << 30},
    {"9223372036854775807", 0, INT64_MAX},
    {"9223372036854775808", -ERANGE, 0},
    {"9007199254740991k", 0, 9007199254740991ull << 10},
    {"9007199254740992k", -ERANGE, 0},
    {"8589934592g", -ERANGE, 0},
    {"99999999999999999999", -ERANGE, 0},
    {"", -EINVAL, 0},
    {"k", -EINVAL, 0},
    {"-1", -EINVAL, 0},
    {"1kb", -EINVAL, 0},
    {"1 k", -EINVAL, 0},
    {"1t", -EINVAL, 0},
    {"0x10", -EINVAL, 0},
    {"1.5k", -EINVAL, 0},
};

static void
test_size(void **state)
{
    uint64_t bytes;

    (void)state;
    for (size_t i = 0; i < COUNT(size_cases); i++) {
        const struct value_case *c = &size_cases[i];

        assert_int_equal(
            cohort_parse_size(cohort_str(c->text), true, &bytes), c->result);
        if (c->result == 0) {
            assert_int_equal(bytes, c->value);
        }
    }
    assert_int_equal(
        cohort_parse_size(cohort_str("1g"), false, &bytes), -EINVAL);
    assert_int_equal(cohort_parse_size(cohort_str("1m"), false, &bytes), 0);
}

#define DAY_MS (24ull * 60 * 60 * 1000)

static const struct value_case time_cases[] = {
    {"0", 0, 0},
    {"30", 0, 30000},
    {"30s", 0, 30000},
    {"500ms", 0, 500},
    {"2m", 0, 120000},
    {"1h30m", 0, 5400000},
    {"1h 30m", 0, 5400000},
    {"1h30", 0, 3630000},
    {"1m500ms", 0, 60500},
    {"1d", 0, DAY_MS},
    {"1w", 0, 7 * DAY_MS},
    {"1M", 0, 30 * DAY_MS},
    {"1y", 0, 365 * DAY_MS},
    {"1y1M1w1d1h1m1s1ms", 0, 403 * DAY_MS + 3661001},
    {"", -EINVAL, 0},
    {"s", -EINVAL, 0},
    {"1x", -EINVAL, 0},
    {"1S", -EINVAL, 0},
    {"30m1h", -EINVAL, 0},
    {"1h1h", -EINVAL, 0},
    {"1s1", -EINVAL, 0},
    {"-1s", -EINVAL, 0},
    {"1h-", -EINVAL, 0},
    {"1.5h", -EINVAL, 0},
    {"9223372036854776", -ERANGE, 0},
    {"292471209y", -ERANGE, 0},
    {"292471208y999999999999w", -ERANGE, 0},
    {"292471208y2000000000000000000ms", -ERANGE, 0},
};

static void
test_time(void **state)
{
    uint64_t ms;

    (void)state;
    for (size_t i = 0; i < COUNT(time_cases); i++) {
        const struct value_case *c = &time_cases[i];

        assert_int_equal(
            cohort_parse_time_ms(cohort_str(c->text), &ms), c->result);
        if (c->result == 0) {
            assert_int_equal(ms, c->value);
        }
    }
}

static void
test_number(void **state)
{
    uint64_t value;

    (void)state;
    assert_int_equal(cohort_parse_number(cohort_str("7"), 7, &value), 0);
    assert_int_equal(value, 7);
    assert_int_equal(cohort_parse_number(cohort_str("8"), 7, &value), -ERANGE);
    assert_int_equal(cohort_parse_number(cohort_str("7k"), 9, &value), -EINVAL);
    assert_int_equal(cohort_parse_number(cohort_str(""), 9, &value), -EINVAL);
}

static void
test_flag(void **state)
{
    bool value = false;

    (void)state;
    assert_int_equal(cohort_parse_flag(cohort_str("On"), &value), 0);
    assert_true(value);
    assert_int_equal(cohort_parse_flag(cohort_str("off"), &value), 0);
    assert_false(value);
    assert_int_equal(cohort_parse_flag(cohort_str("yes"), &value), -EINVAL);
    assert_int_equal(cohort_parse_flag(cohort_str(""), &value), -EINVAL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_number),
        cmocka_unit_test(test_flag),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
