/* Lines that look as those of the log, made without its help. */
#include "core/signal_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"
#include "tests/core/test.h"

static void
test_dates_are_those_of_the_library(void **state)
{
    char out[COH_ERROR_TIME_SIZE + 1];
    char expected[COH_ERROR_TIME_SIZE + 1];

    (void)state;
    for (long when = 0; when < 5000000000L; when += 86400 * 13 + 3601) {
        time_t time = when;
        struct tm parts;

        assert_non_null(gmtime_r(&time, &parts));
        strftime(expected, sizeof(expected), "%Y/%m/%d %H:%M:%S", &parts);
        coh_error_time_format(out, time);
        assert_string_equal(out, expected);
    }
    coh_error_time_format(out, 951782400);
    assert_string_equal(out, "2000/02/29 00:00:00");
}

static void
test_parts_of_a_line(void **state)
{
    struct coh_signal_line line = {0};

    (void)state;
    coh_signal_line_text(&line, "a ");
    coh_signal_line_number(&line, 0);
    coh_signal_line_text(&line, " ");
    coh_signal_line_number(&line, UINT64_MAX);
    coh_signal_line_text(&line, " ");
    coh_signal_line_hex(&line, 0xBEEF);
    coh_signal_line_bytes(&line, "\n~\x80", 3);
    line.text[line.size] = '\0';
    assert_string_equal(
        line.text, "a 0 18446744073709551615 0xBEEF\\x0A~\\x80");
}

static void
test_a_long_line_is_cut(void **state)
{
    struct coh_signal_line line = {0};

    (void)state;
    for (int i = 0; i < 2000; i++) {
        coh_signal_line_bytes(&line, "\n", 1);
    }
    assert_int_equal(line.size, COH_SIGNAL_LINE_MAX - 1);
}

/* To the parent's targets, those alone that take the level. */
static void
test_it_goes_where_the_log_goes(void **state)
{
    struct coh_log_target target = {0};
    struct cohort_log parent;
    struct cohort_log log;
    struct coh_signal_line line;
    char beginning[64];
    char read_back[256] = "";
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    target.fd = fds[1];
    coh_log_init(&parent, NULL);
    coh_log_init(&log, &parent);
    coh_log_add_target(&parent, &target, COHORT_LOG_ALERT);

    coh_signal_line_begin(&line, COHORT_LOG_ERROR);
    coh_signal_line_write(&line, &log, COHORT_LOG_ERROR);
    coh_signal_line_begin(&line, COHORT_LOG_ALERT);
    coh_signal_line_text(&line, "words");
    coh_signal_line_write(&line, &log, COHORT_LOG_ALERT);
    assert_true(read(fds[0], read_back, sizeof(read_back) - 1) > 0);
    snprintf(
        beginning, sizeof(beginning), " [alert] %d#%d: words\n", (int)getpid(),
        (int)gettid());
    assert_string_equal(read_back + COH_ERROR_TIME_SIZE, beginning);
    close(fds[0]);
    close(fds[1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dates_are_those_of_the_library),
        cmocka_unit_test(test_parts_of_a_line),
        cmocka_unit_test(test_a_long_line_is_cut),
        cmocka_unit_test(test_it_goes_where_the_log_goes),
    };

    setenv("TZ", "UTC", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
