/* Counted strings: compared, cut, turned into numbers. */
#include "tests/core/test.h"

#include <errno.h>

#include "core/str.h"

static void
test_equal(void **state)
{
    (void)state;
    assert_true(coh_str_equal(COH_STR("abc"), cohort_str("abc")));
    assert_false(coh_str_equal(COH_STR("abc"), COH_STR("abC")));
    assert_false(coh_str_equal(COH_STR("abc"), COH_STR("ab")));
    assert_true(coh_str_equal(cohort_str(NULL), COH_STR("")));
    assert_true(coh_str_equal_nocase(COH_STR("Host"), COH_STR("hOST")));
    assert_false(coh_str_equal_nocase(COH_STR("@"), COH_STR("`")));
    assert_false(coh_str_equal_nocase(COH_STR("["), COH_STR("{")));
    assert_true(coh_str_is(COH_STR("x"), "x"));
    assert_true(coh_str_is_nocase(COH_STR("X"), "x"));
}

static void
test_ends(void **state)
{
    struct cohort_str path = COH_STR("/a/b.html");

    (void)state;
    assert_true(coh_str_starts_with(path, COH_STR("/a")));
    assert_true(coh_str_starts_with(path, COH_STR("")));
    assert_false(coh_str_starts_with(COH_STR("/"), path));
    assert_true(coh_str_ends_with(path, COH_STR(".html")));
    assert_false(coh_str_ends_with(COH_STR("l"), path));
}

static void
test_order(void **state)
{
    (void)state;
    assert_true(coh_str_compare(COH_STR("a"), COH_STR("b")) < 0);
    assert_true(coh_str_compare(COH_STR("a"), COH_STR("ab")) < 0);
    assert_true(coh_str_compare(COH_STR("\xff"), COH_STR("a")) > 0);
    assert_int_equal(coh_str_compare(COH_STR("a"), COH_STR("a")), 0);
    assert_int_equal(coh_str_compare(COH_STR(""), cohort_str(NULL)), 0);
}

static void
test_cut(void **state)
{
    struct cohort_str str = COH_STR("a=b=c");

    (void)state;
    assert_int_equal(coh_str_index(str, '='), 1);
    assert_int_equal(coh_str_rindex(str, '='), 3);
    assert_int_equal(coh_str_index(str, 'x'), -1);
    assert_int_equal(coh_str_index(cohort_str(NULL), 'x'), -1);
    assert_true(coh_str_is(coh_str_cut(str, 2, 2), "b="));
    assert_true(coh_str_is(coh_str_cut(str, 2, SIZE_MAX), "b=c"));
    assert_true(coh_str_is(coh_str_cut(str, 9, 1), ""));
    assert_true(coh_str_is(coh_str_from(str, 4), "c"));
    assert_true(coh_str_is(coh_str_trim(COH_STR(" \t a b\t")), "a b"));
    assert_true(coh_str_is(coh_str_trim(COH_STR(" \t ")), ""));
}

static void
test_numbers(void **state)
{
    uint64_t value = 7;
    char text[20];

    (void)state;
    assert_int_equal(coh_str_to_u64(COH_STR(""), 9, &value), -EINVAL);
    assert_int_equal(coh_str_to_u64(COH_STR("-1"), 9, &value), -EINVAL);
    assert_int_equal(coh_str_to_u64(COH_STR("1 "), 9, &value), -EINVAL);
    assert_int_equal(coh_str_to_u64(COH_STR("99x"), 9, &value), -EINVAL);
    assert_int_equal(coh_str_to_u64(COH_STR("10"), 9, &value), -ERANGE);
    assert_int_equal(
        coh_str_to_u64(COH_STR("18446744073709551616"), UINT64_MAX, &value),
        -ERANGE);
    assert_int_equal(value, 7);
    assert_int_equal(coh_str_to_u64(COH_STR("009"), 9, &value), 0);
    assert_int_equal(value, 9);
    assert_int_equal(
        coh_str_to_u64(COH_STR("18446744073709551615"), UINT64_MAX, &value), 0);
    assert_true(value == UINT64_MAX);

    assert_int_equal(coh_u64_format(text, UINT64_MAX), 20);
    assert_memory_equal(text, "18446744073709551615", 20);
    assert_int_equal(coh_u64_format(text, 0), 1);
    assert_memory_equal(text, "0", 1);

    assert_int_equal(coh_hex_value('9'), 9);
    assert_int_equal(coh_hex_value('a'), 10);
    assert_int_equal(coh_hex_value('F'), 15);
    assert_int_equal(coh_hex_value('g'), -1);
    assert_int_equal(coh_hex_value('\0'), -1);
    assert_int_equal(coh_hex_value('@'), -1);
}

static unsigned
distance(const char *a, const char *b)
{
    return coh_str_distance(cohort_str(a), cohort_str(b), 5);
}

static void
test_distance(void **state)
{
    char longer[100] = {0};

    (void)state;
    assert_int_equal(distance("listen", "listen"), 0);
    assert_int_equal(distance("lisen", "listen"), 1);
    assert_int_equal(distance("listenn", "listen"), 1);
    assert_int_equal(distance("lixten", "listen"), 1);
    assert_int_equal(distance("lsiten", "listen"), 1);
    assert_int_equal(distance("ca", "abc"), 3);
    assert_int_equal(distance("kitten", "sitting"), 3);
    assert_int_equal(distance("", "abc"), 3);
    assert_int_equal(distance("server_name", "x"), 6);
    assert_int_equal(
        coh_str_distance(cohort_str_n(longer, 100), COH_STR(""), 5), 6);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal),   cmocka_unit_test(test_ends),
        cmocka_unit_test(test_order),   cmocka_unit_test(test_cut),
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_distance),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
