/* What ctl and top print: lines for people, with nothing in them that moves a
   terminal's cursor. */
#include "server/admin/show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/json.h"
#include "server/admin/top_table.h"
#include "tests/core/test.h"

static void
check_shown(
    void (*show)(const struct coh_json *value), const char *json,
    const char *expected)
{
    struct coh_json *value = NULL;
    FILE *file = tmpfile();
    int own = dup(STDOUT_FILENO);
    char text[512] = "";
    size_t size;

    assert_int_equal(
        coh_json_parse(cohort_str(json), strlen(json), &value, NULL), 0);
    fflush(stdout);
    dup2(fileno(file), STDOUT_FILENO);
    show(value);
    fflush(stdout);
    dup2(own, STDOUT_FILENO);
    close(own);
    rewind(file);
    size = fread(text, 1, sizeof(text) - 1, file);
    text[size] = '\0';
    fclose(file);
    coh_json_free(value);
    assert_string_equal(text, expected);
}

/* What is printed for an event. */
static void
check_event(const char *json, const char *expected)
{
    check_shown(coh_show_event, json, expected);
}

static void
test_events_are_lines(void **state)
{
    (void)state;
    check_event(
        "{\"seq\":7,\"time\":\"T\",\"event\":\"exit\",\"worker\":3,\"pid\":99,"
        "\"group\":\"main\",\"code\":null,\"signal\":9,\"reason\":\"kill\"}",
        "     7 T exit              worker 3, process 99 by signal 9 (kill)\n");
    check_event(
        "{\"seq\":8,\"time\":\"T\",\"event\":\"listening\",\"worker\":3,"
        "\"pid\":99,\"group\":\"app\",\"address\":\"[::1]:80\"}",
        "     8 T listening         worker 3, process 99 of app, [::1]:80\n");
    check_event(
        "{\"event\":\"lost\",\"first\":1,\"count\":10}",
        "     0  lost             , 10 events are gone\n");
    check_event(
        "{\"seq\":9,\"time\":\"T\",\"event\":\"message\",\"size\":20000}",
        "     9 T message          , 20000 bytes\n");
}

static void
test_no_control_reaches_the_terminal(void **state)
{
    (void)state;
    check_event(
        "{\"seq\":1,\"time\":\"T\",\"event\":\"message\","
        "\"message\":\"a\\u001b[2Jb\\u009b1m\\u007f\\u00e9\"}",
        "     1 T message          , \"a\\u001B[2Jb?1m?\xc3\xa9\"\n");
    check_event(
        "{\"seq\":1,\"time\":\"T\",\"event\":\"error\","
        "\"text\":\"a\\u001b[2J\\nb\\u009b\"}",
        "     1 T error             a?[2J?b?\n");
    check_event(
        "{\"seq\":1,\"time\":\"T\",\"event\":\"drop\",\"count\":2,"
        "\"address\":\"unix:/a\\u001b[2J\"}",
        "     1 T drop             , 2 connections, unix:/a?[2J\n");
    check_shown(
        coh_show_status,
        "{\"listeners\":[{\"address\":\"unix:/a\\u001b[2J\",\"policy\":"
        "\"shared\",\"group\":\"app\"}]}",
        "cohort    , primary process 0, started \n"
        "listens on   unix:/a?[2J (shared, group app)\n");
}

static void
test_sizes_and_durations(void **state)
{
    static const struct {
        uint64_t value;
        const char *size;
        const char *duration;
    } cases[] = {
        {0, "0.0K", "0s"},           {59999, "59K", "59s"},
        {60000, "59K", "1m 00s"},    {3723000, "3.6M", "1h 02m"},
        {93600000, "89M", "1d 02h"},
    };
    char text[16];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_string_equal(coh_show_size(cases[i].value, text), cases[i].size);
        assert_string_equal(
            coh_show_duration(cases[i].value, text), cases[i].duration);
    }
}

/* --- top ------------------------------------------------------------------ */

static void
test_rates_are_those_between_two_looks(void **state)
{
    struct coh_top_row before_rows[] = {
        {.id = 1, .requests = 100, .cpu_ms = 1000}};
    struct coh_top_row rows[] = {
        {.id = 1, .requests = 300, .cpu_ms = 2000},
        {.id = 2, .requests = 50, .cpu_ms = 100, .age_ms = 500},
    };
    const struct coh_top_table before = {
        .taken_ms = 1000, .rows = before_rows, .count = 1};
    struct coh_top_table table = {.taken_ms = 3000, .rows = rows, .count = 2};

    (void)state;
    coh_top_compare(&table, &before);
    assert_true(rows[0].request_rate == 100.0);
    assert_true(rows[0].cpu == 50.0);
    assert_true(rows[1].request_rate == 100.0); /* of its whole life */
    assert_true(rows[1].cpu == 20.0);
}

static void
test_a_row_has_a_word_for_each_head(void **state)
{
    struct coh_top_row row = {
        .id = 3,
        .pid = 99,
        .generation = 1,
        .lag_ms = 12,
        .has_lag = true,
        .state = "serving",
        .group = "main",
        .age_ms = 5000,
    };
    char head[COH_TOP_LINE_MAX];
    char line[COH_TOP_LINE_MAX];

    (void)state;
    coh_top_format_head(head);
    coh_top_format_row(&row, line);
    assert_int_equal(strlen(head), strlen(line));
    assert_non_null(strstr(head, " LAG "));
    assert_non_null(strstr(line, " 12ms "));
    row.has_lag = false; /* a program does not tell it */
    coh_top_format_row(&row, line);
    assert_non_null(strstr(line, " - "));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_are_lines),
        cmocka_unit_test(test_no_control_reaches_the_terminal),
        cmocka_unit_test(test_sizes_and_durations),
        cmocka_unit_test(test_rates_are_those_between_two_looks),
        cmocka_unit_test(test_a_row_has_a_word_for_each_head),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
