/* The loop's time and its texts. */
#include "tests/core/test.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"

static const time_t known_time = 784111777; /* RFC 9110's example */

static void
set(struct coh_clock *clock, time_t seconds)
{
    struct timeval wall = {.tv_sec = seconds};

    coh_clock_set(clock, &wall, 1);
}

static void
test_http_date(void **state)
{
    char text[COH_HTTP_DATE_SIZE + 1];

    (void)state;
    coh_http_date_format(text, known_time);
    assert_string_equal(text, "Sun, 06 Nov 1994 08:49:37 GMT");
    coh_http_date_format(text, 0);
    assert_string_equal(text, "Thu, 01 Jan 1970 00:00:00 GMT");
    coh_http_date_format(text, 1709164800);
    assert_string_equal(text, "Thu, 29 Feb 2024 00:00:00 GMT");
    /* Times that files may claim, beyond the field's four digits. */
    coh_http_date_format(text, (time_t)INT64_MAX);
    assert_int_equal(strlen(text), COH_HTTP_DATE_SIZE);
    coh_http_date_format(text, (time_t)INT64_MIN);
    assert_int_equal(strlen(text), COH_HTTP_DATE_SIZE);
    coh_http_date_format(text, (time_t)-100000000000);
    assert_int_equal(strlen(text), COH_HTTP_DATE_SIZE);
}

static void
test_init(void **state)
{
    struct coh_clock clock;

    (void)state;
    coh_clock_init(&clock);
    assert_true(clock.now_ms > 0);
    assert_true(llabs((long long)clock.wall.tv_sec - time(NULL)) <= 1);
    assert_int_equal(strlen(clock.http_date), COH_HTTP_DATE_SIZE);
    assert_int_equal(strlen(clock.log_time), COH_LOG_TIME_SIZE);
    assert_int_equal(strlen(clock.error_time), COH_ERROR_TIME_SIZE);
    assert_int_equal(strlen(clock.iso_time), COH_ISO_TIME_SIZE);
}

static void
test_rendered_once_a_second(void **state)
{
    struct coh_clock clock;
    uint64_t count;

    (void)state;
    coh_clock_init(&clock);
    set(&clock, known_time);
    count = clock.render_count;
    set(&clock, known_time);
    assert_int_equal(clock.render_count, count);
    set(&clock, known_time + 1);
    assert_int_equal(clock.render_count, count + 1);
    assert_string_equal(clock.http_date, "Sun, 06 Nov 1994 08:49:38 GMT");
    set(&clock, known_time - 1); /* the wall clock was put back */
    assert_string_equal(clock.http_date, "Sun, 06 Nov 1994 08:49:36 GMT");
}

static void
test_local_time(void **state)
{
    struct coh_clock clock;

    (void)state;
    coh_clock_init(&clock);
    set(&clock, known_time);
    assert_string_equal(clock.log_time, "06/Nov/1994:09:49:37 +0100");
    assert_string_equal(clock.error_time, "1994/11/06 09:49:37");
    assert_string_equal(clock.iso_time, "1994-11-06T09:49:37+01:00");
    set(&clock, 775000000); /* July: summer time */
    assert_string_equal(clock.iso_time, "1994-07-23T23:46:40+02:00");
    /* The last second of winter and the first of summer. */
    set(&clock, 1711846799);
    assert_string_equal(clock.error_time, "2024/03/31 01:59:59");
    set(&clock, 1711846800);
    assert_string_equal(clock.error_time, "2024/03/31 03:00:00");
}

static void
test_west(void **state)
{
    struct coh_clock clock;

    (void)state;
    setenv("TZ", "TEST+03:30", 1);
    tzset();
    coh_clock_init(&clock);
    set(&clock, known_time + 86400);
    assert_string_equal(clock.log_time, "07/Nov/1994:05:19:37 -0330");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http_date),
        cmocka_unit_test(test_init),
        cmocka_unit_test(test_rendered_once_a_second),
        cmocka_unit_test(test_local_time),
        cmocka_unit_test(test_west),
    };

    /* By rule, so that no zone files are needed. */
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
