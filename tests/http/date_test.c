/* Dates in header fields. */
#include "tests/core/test.h"

#include <cohort/module/date.h>

static void
expect(const char *text, long when)
{
    time_t parsed = -1;

    if (!cohort_http_date_parse(cohort_str(text), &parsed) || parsed != when) {
        fail_msg("\"%s\" gave %ld", text, (long)parsed);
    }
}

static void
test_forms(void **state)
{
    (void)state;
    expect("Sun, 06 Nov 1994 08:49:37 GMT", 784111777);
    expect("Sunday, 06-Nov-94 08:49:37 GMT", 784111777);
    expect("Sun Nov  6 08:49:37 1994", 784111777);
    expect("Thu, 01 Jan 1970 00:00:00 GMT", 0);
    expect("Tue, 19 Jan 2038 03:14:08 GMT", 2147483648);
    expect("Fri, 01 Jan 2100 00:00:00 GMT", 4102444800);
}

static void
test_others(void **state)
{
    static const char *const texts[] = {
        "",
        "x",
        "Sun, 06 Nov 1994 08:49:37",
        "06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT x",
        "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 25:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT and then some more of it, on and on",
        "Sun, 06 anF 1994 08:49:37 GMT",
        "Sun, 06 Nov 1900 08:49:37 GMT",
    };
    size_t i;
    time_t when;

    (void)state;
    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (cohort_http_date_parse(cohort_str(texts[i]), &when)) {
            fail_msg("\"%s\" gave %ld", texts[i], (long)when);
        }
    }
}

static void
test_format(void **state)
{
    char out[COHORT_HTTP_DATE_SIZE];

    (void)state;
    assert_string_equal(
        cohort_http_date_format(784111777, out).data,
        "Sun, 06 Nov 1994 08:49:37 GMT");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_format),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
