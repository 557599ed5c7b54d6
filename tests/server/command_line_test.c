/* nginx's command line, in all its spellings. */
#include "server/command_line.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "core/arena.h"
#include "tests/core/test.h"

struct fixture {
    struct coh_arena *arena;
    struct coh_command_line line;
    char *told; /* what was said about wrong options */
};

static int
setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    fixture->arena = coh_arena_new(1024);
    *state = fixture;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *fixture = *state;

    coh_arena_free(fixture->arena);
    free(fixture->told);
    free(fixture);
    return 0;
}

/* Parse words (ends with NULL), the first of which is the program. */
static int
parse(struct fixture *fixture, const char *const *words)
{
    size_t size = 0;
    FILE *errors;
    int count = 0;
    int result;

    while (words[count]) {
        count++;
    }
    free(fixture->told);
    errors = open_memstream(&fixture->told, &size);
    result = coh_command_line_parse(
        &fixture->line, fixture->arena, count, (char **)(uintptr_t)words,
        errors);
    fclose(errors);
    return result;
}

#define PARSE(fixture, ...)                                                    \
    parse(fixture, (const char *const[]){"cohort", ##__VA_ARGS__, NULL})

static void
test_nothing(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(PARSE(fixture), 0);
    assert_null(fixture->line.options.file);
    assert_null(fixture->line.options.error_log);
    assert_string_equal(fixture->line.options.prefix, COHORT_PREFIX);
    assert_int_equal(fixture->line.signal, 0);
}

static void
test_letters_may_stand_together(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(PARSE(fixture, "-tq"), 0);
    assert_true(fixture->line.is_test);
    assert_true(fixture->line.is_quiet);
    assert_false(fixture->line.is_dump);
    assert_int_equal(PARSE(fixture, "-Tc/x.conf"), 0);
    assert_true(fixture->line.is_test);
    assert_true(fixture->line.is_dump);
    assert_string_equal(fixture->line.options.file, "/x.conf");
}

static void
test_paths_hang_on_the_prefix(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(
        PARSE(fixture, "-c", "a.conf", "-p", "/srv/site", "-e", "logs/e"), 0);
    assert_string_equal(fixture->line.options.prefix, "/srv/site");
    assert_string_equal(fixture->line.options.file, "/srv/site/a.conf");
    assert_string_equal(fixture->line.options.error_log, "/srv/site/logs/e");
    assert_int_equal(PARSE(fixture, "-e", "stderr"), 0);
    assert_string_equal(fixture->line.options.error_log, "stderr");
}

static void
test_a_relative_prefix_hangs_on_the_folder(void **state)
{
    struct fixture *fixture = *state;
    char *folder = getcwd(NULL, 0);
    char expected[4200];

    assert_int_equal(PARSE(fixture, "-p", "site"), 0);
    snprintf(expected, sizeof(expected), "%s/site", folder);
    assert_string_equal(fixture->line.options.prefix, expected);
    free(folder);
}

static void
test_signals(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(PARSE(fixture, "-s", "reload"), 0);
    assert_int_equal(fixture->line.signal, SIGHUP);
    assert_int_equal(PARSE(fixture, "-sstop"), 0);
    assert_int_equal(fixture->line.signal, SIGTERM);
    assert_int_equal(PARSE(fixture, "-s", "quit"), 0);
    assert_int_equal(fixture->line.signal, SIGQUIT);
    assert_int_equal(PARSE(fixture, "-s", "reopen"), 0);
    assert_int_equal(fixture->line.signal, SIGUSR1);
    assert_int_equal(PARSE(fixture, "-s", "upgrade"), 0);
    assert_int_equal(fixture->line.signal, SIGUSR2);
    assert_int_equal(PARSE(fixture, "-s", "dance"), -EINVAL);
    assert_non_null(strstr(fixture->told, "dance"));
}

static void
test_globals_add_up(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(
        PARSE(fixture, "-g", "daemon off;", "-g", "worker_processes 2;"), 0);
    assert_string_equal(
        fixture->line.options.globals, "daemon off; worker_processes 2;");
}

static void
test_help_may_have_a_directive(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(PARSE(fixture, "-h"), 0);
    assert_true(fixture->line.wants_help);
    assert_null(fixture->line.directive);
    assert_int_equal(PARSE(fixture, "-h", "listen"), 0);
    assert_string_equal(fixture->line.directive, "listen");
    assert_int_equal(PARSE(fixture, "-h", "-q"), 0);
    assert_null(fixture->line.directive);
}

static void
test_wrong_options(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(PARSE(fixture, "-x"), -EINVAL);
    assert_non_null(strstr(fixture->told, "\"x\""));
    assert_int_equal(PARSE(fixture, "word"), -EINVAL);
    assert_int_equal(PARSE(fixture, "-"), -EINVAL);
    assert_int_equal(PARSE(fixture, "-c"), -EINVAL);
    assert_non_null(strstr(fixture->told, "-c"));
}

/* What a template is executed with means the same again. */
static void
test_words_mean_the_same(void **state)
{
    struct fixture *fixture = *state;
    struct coh_options before;

    assert_int_equal(
        PARSE(fixture, "-c", "a.conf", "-p", "/p", "-g", "x;", "-e", "e"), 0);
    before = fixture->line.options;
    assert_int_equal(
        parse(
            fixture,
            (const char *const *)coh_command_line_words(
                &before, fixture->arena)),
        0);
    assert_string_equal(fixture->line.options.prefix, before.prefix);
    assert_string_equal(fixture->line.options.file, before.file);
    assert_string_equal(fixture->line.options.globals, before.globals);
    assert_string_equal(fixture->line.options.error_log, before.error_log);
}

static void
test_compiled_paths_follow_the_prefix(void **state)
{
    struct fixture *fixture = *state;
    const struct coh_options options = {.prefix = "/new"};

    assert_string_equal(
        coh_options_path(&options, fixture->arena, COHORT_PREFIX "/logs/x.pid"),
        "/new/logs/x.pid");
    assert_string_equal(
        coh_options_path(&options, fixture->arena, "/run/x.pid"), "/run/x.pid");
}

#define UNIT(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(test_nothing),
        UNIT(test_letters_may_stand_together),
        UNIT(test_paths_hang_on_the_prefix),
        UNIT(test_a_relative_prefix_hangs_on_the_folder),
        UNIT(test_signals),
        UNIT(test_globals_add_up),
        UNIT(test_help_may_have_a_directive),
        UNIT(test_wrong_options),
        UNIT(test_words_mean_the_same),
        UNIT(test_compiled_paths_follow_the_prefix),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
