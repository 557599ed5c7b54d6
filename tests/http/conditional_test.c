/* Conditional requests. */
#include "tests/core/test.h"

#include "core/str.h"
#include "http/conditional.h"
#include "http/settings.h"

/* Sun, 06 Nov 1994 08:49:37 GMT */
#define WHEN 784111777
#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"
#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define AFTER "Sun, 06 Nov 1994 08:49:38 GMT"

struct row {
    int status;
    const char *if_match;
    const char *if_unmodified_since;
    const char *if_none_match;
    const char *if_modified_since;
    int modified_since;
};

static const struct row rows[] = {
    {200, NULL, NULL, NULL, NULL, 0},
    {200, "*", NULL, NULL, NULL, 0},
    {200, "\"a\"", NULL, NULL, NULL, 0},
    {200, " \"x\" ,\t\"a\"", NULL, NULL, NULL, 0},
    {412, "W/\"a\"", NULL, NULL, NULL, 0},
    {412, "\"b\"", NULL, NULL, NULL, 0},
    {412, "", NULL, NULL, NULL, 0},
    {412, "\"x,\"a\"", NULL, NULL, NULL, 0},
    {200, NULL, DATE, NULL, NULL, 0},
    {200, NULL, AFTER, NULL, NULL, 0},
    {412, NULL, BEFORE, NULL, NULL, 0},
    {200, NULL, "yesterday", NULL, NULL, 0},
    {304, NULL, NULL, "*", NULL, 0},
    {304, NULL, NULL, "\"a\"", NULL, 0},
    {304, NULL, NULL, "W/\"a\"", NULL, 0},
    {304, NULL, NULL, ",, \"b\" , W/\"a\",", NULL, 0},
    {200, NULL, NULL, "\"A\"", NULL, 0},
    {200, NULL, NULL, "a", NULL, 0},
    {304, NULL, NULL, NULL, DATE, COH_MODIFIED_SINCE_EXACT},
    {200, NULL, NULL, NULL, AFTER, COH_MODIFIED_SINCE_EXACT},
    {200, NULL, NULL, NULL, BEFORE, COH_MODIFIED_SINCE_EXACT},
    {304, NULL, NULL, NULL, DATE, COH_MODIFIED_SINCE_BEFORE},
    {304, NULL, NULL, NULL, AFTER, COH_MODIFIED_SINCE_BEFORE},
    {200, NULL, NULL, NULL, BEFORE, COH_MODIFIED_SINCE_BEFORE},
    {200, NULL, NULL, NULL, DATE, COH_MODIFIED_SINCE_OFF},
    {200, NULL, NULL, NULL, "never", COH_MODIFIED_SINCE_BEFORE},
    /* Both must say that the client has it. */
    {304, NULL, NULL, "\"a\"", DATE, COH_MODIFIED_SINCE_EXACT},
    {200, NULL, NULL, "\"b\"", DATE, COH_MODIFIED_SINCE_EXACT},
    {200, NULL, NULL, "\"a\"", BEFORE, COH_MODIFIED_SINCE_EXACT},
    /* What protects goes before what saves. */
    {412, "\"b\"", NULL, "\"a\"", NULL, 0},
    {412, NULL, BEFORE, "\"a\"", NULL, 0},
};

static void
test_table(void **state)
{
    struct coh_validators validators = {
        .etag = COH_STR("\"a\""),
        .modified = WHEN,
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct coh_conditions conditions = {
            .if_match = cohort_str(rows[i].if_match),
            .if_unmodified_since = cohort_str(rows[i].if_unmodified_since),
            .if_none_match = cohort_str(rows[i].if_none_match),
            .if_modified_since = cohort_str(rows[i].if_modified_since),
            .modified_since = rows[i].modified_since,
        };
        int status = coh_conditional_status(&conditions, &validators);

        if (status != rows[i].status) {
            fail_msg("row %zu gave %d", i, status);
        }
    }
}

static void
test_without_etag(void **state)
{
    struct coh_validators validators = {
        .etag = COH_STR(""),
        .modified = WHEN,
    };
    struct coh_conditions conditions = {
        .if_none_match = COH_STR("\"a\""),
    };

    (void)state;
    assert_int_equal(coh_conditional_status(&conditions, &validators), 200);
    conditions.if_none_match = COH_STR("*");
    assert_int_equal(coh_conditional_status(&conditions, &validators), 304);
}

static void
test_if_range(void **state)
{
    struct coh_validators validators = {
        .etag = COH_STR("\"a\""),
        .modified = WHEN,
    };

    (void)state;
    assert_true(coh_if_range_allows(COH_STR("\"a\""), &validators));
    assert_false(coh_if_range_allows(COH_STR("W/\"a\""), &validators));
    assert_false(coh_if_range_allows(COH_STR("\"b\""), &validators));
    assert_true(coh_if_range_allows(COH_STR(DATE), &validators));
    assert_false(coh_if_range_allows(COH_STR(AFTER), &validators));
    assert_false(coh_if_range_allows(COH_STR("x"), &validators));
    assert_false(coh_if_range_allows(COH_STR(""), &validators));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_without_etag),
        cmocka_unit_test(test_if_range),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
