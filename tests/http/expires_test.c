/* expires, and internal locations. */
#include "tests/core/test.h"

#include <stdlib.h>
#include <string.h>

#include "tests/http/ask.h"
#include "tests/http/read.h"

static struct harness *harness;

static int
setup(void **state)
{
    (void)state;
    harness = harness_new(
        "access_log off; server { listen 127.0.0.1:8123;"
        " location /hour { expires 1h; return 200 x; }"
        " location /past { expires -1; return 200 x; }"
        " location /epoch { expires epoch; return 200 x; }"
        " location /max { expires max; return 200 x; }"
        " location /daily { expires @12h; return 200 x; }"
        " location /variable { expires $arg_e; return 200 x; }"
        " location /modified { expires modified +1d;"
        "  add_header Last-Modified \"Sun, 06 Nov 1994 08:49:37 GMT\";"
        "  return 200 x; }"
        " location /off { expires off; return 200 x; }"
        " location /error { expires 1h; return 404; }"
        " location /inherited { return 200 x; } expires max;"
        " location = /hidden { internal; return 200 hidden; }"
        " location /leads { expires off; error_page 404 = /hidden;"
        "  return 404; } }");
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    harness_free(harness);
    return 0;
}

static void
test_times(void **state)
{
    const char *answer = ask(harness, "/hour", "");

    (void)state;
    expect_has(answer, "Cache-Control: max-age=3600\r\n");
    expect_has(answer, "Expires: ");
    expect_has(ask(harness, "/past", ""), "Cache-Control: no-cache\r\n");
    answer = ask(harness, "/epoch", "");
    expect_has(answer, "Expires: Thu, 01 Jan 1970 00:00:01 GMT\r\n");
    expect_has(answer, "Cache-Control: no-cache\r\n");
    answer = ask(harness, "/max", "");
    expect_has(answer, "Expires: Thu, 31 Dec 2037 23:55:55 GMT\r\n");
    expect_has(answer, "Cache-Control: max-age=315360000\r\n");
    expect_has(ask(harness, "/inherited", ""), "max-age=315360000");
}

static void
test_daily(void **state)
{
    const char *age = strstr(ask(harness, "/daily", ""), "max-age=");

    (void)state;
    assert_non_null(age);
    assert_in_range(strtoul(age + 8, NULL, 10), 0, 90000);
}

static void
test_off(void **state)
{
    (void)state;
    expect_lacks(ask(harness, "/off", ""), "Expires");
    expect_lacks(ask(harness, "/error", ""), "Expires");
}

static void
test_variable(void **state)
{
    (void)state;
    expect_has(ask(harness, "/variable?e=2m", ""), "max-age=120\r\n");
    expect_has(ask(harness, "/variable?e=max", ""), "max-age=315360000\r\n");
    expect_lacks(ask(harness, "/variable?e=x", ""), "Expires");
    expect_lacks(ask(harness, "/variable", ""), "Expires");
}

static void
test_bad(void **state)
{
    (void)state;
    expect_told("expires soon;", "invalid value \"soon\"");
    expect_told("expires @25h;", "invalid value \"@25h\"");
    expect_told("expires modified max;", "invalid value \"max\"");
    expect_told("expires later 1h;", "invalid value \"later\"");
}

static void
test_internal(void **state)
{
    const char *answer;

    (void)state;
    expect_status(ask(harness, "/hidden", ""), 404);
    answer = ask(harness, "/leads", "");
    expect_status(answer, 200);
    assert_string_equal(body_of(answer), "hidden");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times), cmocka_unit_test(test_daily),
        cmocka_unit_test(test_off),   cmocka_unit_test(test_variable),
        cmocka_unit_test(test_bad),   cmocka_unit_test(test_internal),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
