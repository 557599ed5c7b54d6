/* Byte ranges of a request. */
#include "tests/core/test.h"

#include "core/str.h"
#include "http/range.h"

#define LENGTH 1000

struct row {
    const char *value;
    int result;
    size_t count;
    struct coh_range first;
    struct coh_range last;
};

static const struct row rows[] = {
    {"bytes=0-99", 206, 1, {0, 100}, {0, 100}},
    {"BYTES=0-0", 206, 1, {0, 1}, {0, 1}},
    {"bytes=990-", 206, 1, {990, 10}, {990, 10}},
    {"bytes=-10", 206, 1, {990, 10}, {990, 10}},
    {"bytes=-5000", 206, 1, {0, 1000}, {0, 1000}},
    {"bytes=0-5000", 206, 1, {0, 1000}, {0, 1000}},
    {"bytes=999-999", 206, 1, {999, 1}, {999, 1}},
    {"bytes= 1 - 2 , 5 - 6 ", 206, 2, {1, 2}, {5, 2}},
    {"bytes=0-0,2000-,-1", 206, 2, {0, 1}, {999, 1}},
    {"bytes=5-1", 416, 0, {0, 0}, {0, 0}},
    {"bytes=5-1,1-2", 206, 1, {1, 2}, {1, 2}},
    {"bytes=1000-", 416, 0, {0, 0}, {0, 0}},
    {"bytes=-0", 416, 0, {0, 0}, {0, 0}},
    {"bytes=", 200, 0, {0, 0}, {0, 0}},
    {"bytes=x", 416, 0, {0, 0}, {0, 0}},
    {"bytes=1", 416, 0, {0, 0}, {0, 0}},
    {"bytes=1-2x", 416, 0, {0, 0}, {0, 0}},
    {"bytes=--1", 416, 0, {0, 0}, {0, 0}},
    {"bytes=0-1,", 416, 0, {0, 0}, {0, 0}},
    {"bytes=99999999999999999999-", 416, 0, {0, 0}, {0, 0}},
    {"bytes=0-99999999999999999999", 416, 0, {0, 0}, {0, 0}},
    {"lines=0-1", 200, 0, {0, 0}, {0, 0}},
    {"", 200, 0, {0, 0}, {0, 0}},
    /* Together longer than the whole. */
    {"bytes=0-,0-", 200, 0, {0, 0}, {0, 0}},
    {"bytes=0-999,0-0", 200, 0, {0, 0}, {0, 0}},
    {"bytes=0-499,0-499", 206, 2, {0, 500}, {0, 500}},
    /* More than four. */
    {"bytes=0-0,1-1,2-2,3-3", 206, 4, {0, 1}, {3, 1}},
    {"bytes=0-0,1-1,2-2,3-3,4-4", 200, 0, {0, 0}, {0, 0}},
};

static void
test_table(void **state)
{
    struct coh_range ranges[16];
    size_t count;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        struct cohort_str value = cohort_str(row->value);
        int result = coh_range_read(value, LENGTH, 4, ranges, &count);

        assert_true(coh_range_count_max(value) <= 16);
        if (result != row->result) {
            fail_msg("\"%s\" gave %d", row->value, result);
        }
        if (result != 206) {
            continue;
        }
        if (count != row->count || ranges[0].first != row->first.first ||
            ranges[0].size != row->first.size ||
            ranges[count - 1].first != row->last.first ||
            ranges[count - 1].size != row->last.size) {
            fail_msg("\"%s\" gave other ranges", row->value);
        }
    }
}

static void
test_empty_body(void **state)
{
    struct coh_range range;
    size_t count;

    (void)state;
    assert_int_equal(
        coh_range_read(COH_STR("bytes=0-"), 0, 4, &range, &count), 200);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_empty_body),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
