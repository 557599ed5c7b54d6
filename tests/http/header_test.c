/* Names of header fields. */
#include "tests/core/test.h"

#include <ctype.h>

#include "core/str.h"
#include "http/header.h"

static void
knows_its_names_in_any_case(void **state)
{
    (void)state;
    for (int id = 1; id < COH_HEADER_ID_COUNT; id++) {
        struct cohort_str name = coh_header_name((enum coh_header_id)id);
        char upper[32];

        assert_true(name.size > 0 && name.size < sizeof(upper));
        for (size_t i = 0; i < name.size; i++) {
            upper[i] = (char)toupper((unsigned char)name.data[i]);
        }
        assert_int_equal(coh_header_id(name.data, name.size), id);
        assert_int_equal(coh_header_id(upper, name.size), id);
    }
}

static void
knows_no_others(void **state)
{
    static const char *const names[] = {
        "x",
        "hosts",
        "hos",
        "hott",
        "jost",
        "content-lengtx",
        "content_length",
        "transfer-encodinf",
        "cookie2",
        "x-forwarded-fos"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct cohort_str name = cohort_str(names[i]);

        assert_int_equal(coh_header_id(name.data, name.size), COH_HEADER_OTHER);
    }
    assert_int_equal(coh_header_name(COH_HEADER_OTHER).size, 0);
}

static void
knows_tokens(void **state)
{
    (void)state;
    assert_true(coh_header_is_token(cohort_str("Az09!#$%&'*+-.^_`|~")));
    assert_false(coh_header_is_token(cohort_str("")));
    assert_false(coh_header_is_token(cohort_str("a b")));
    assert_false(coh_header_is_token(cohort_str("a:")));
    assert_false(coh_header_is_token(cohort_str("\x80")));
    assert_false(coh_header_is_token(COH_STR("a\0")));
}

static void
tells_oddities(void **state)
{
    (void)state;
    for (int c = 1; c < 256; c++) {
        char name[2] = {'a', (char)c};

        assert_int_equal(
            coh_header_is_usual(name, 2),
            coh_header_oddity(cohort_str_n(name, 2)) == 0);
    }
    assert_int_equal(coh_header_oddity(cohort_str("X-Plain-9")), 0);
    assert_int_equal(
        coh_header_oddity(cohort_str("x_y")), COH_HEADER_HAS_UNDERSCORE);
    assert_int_equal(
        coh_header_oddity(cohort_str("x.y")), COH_HEADER_HAS_OTHER);
    assert_int_equal(
        coh_header_oddity(cohort_str("_!")),
        COH_HEADER_HAS_UNDERSCORE | COH_HEADER_HAS_OTHER);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_its_names_in_any_case),
        cmocka_unit_test(knows_no_others),
        cmocka_unit_test(knows_tokens),
        cmocka_unit_test(tells_oddities),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
