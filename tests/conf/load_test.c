/* Loading from files: what is kept of them, -g, and the include chain. */
#include "tests/core/test.h"

#include <errno.h>
#include <stdio.h>

#include "tests/conf/toy.h"

static char folder[64];
static char main_file[128];

static int
set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "%s", toy_make_folder());
    snprintf(main_file, sizeof(main_file), "%s/toy.conf", folder);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    toy_free();
    toy_remove_folder();
    return 0;
}

/* expected: "%s" stands for the folder. */
static void
assert_told(const char *expected)
{
    char text[2048];
    char *out = text;

    for (; *expected != '\0'; expected++) {
        if (*expected == '%') {
            out += sprintf(out, "%s", folder);
            expected++;
        } else {
            *out++ = *expected;
        }
    }
    *out = '\0';
    assert_string_equal(toy_told, text);
}

static void
test_files_are_kept_once(void **state)
{
    (void)state;
    toy_write("toy.conf", "include rows; http { types { include rows; } }\r\n");
    toy_write("rows", "# rows\ntext a;\n");
    assert_int_equal(toy_load_file(main_file, NULL), 0);
    assert_int_equal(toy_conf.file_count, 2);
    assert_string_equal(toy_conf.files[0].path, main_file);
    assert_string_equal(
        toy_conf.files[0].content.data,
        "include rows; http { types { include rows; } }\r\n");
    assert_string_equal(toy_conf.files[1].content.data, "# rows\ntext a;\n");
    assert_int_equal(toy_conf.files[1].content.size, 15);
    assert_non_null(strstr(toy_log, "close http(rows=1);"));
}

static void
test_globals(void **state)
{
    (void)state;
    toy_write("toy.conf", "number 5; list b;");
    assert_int_equal(
        toy_load_file(main_file, "list a; text x; http { server s { } }"), 0);
    assert_int_equal(toy_main()->number, 5);
    assert_string_equal(toy_main()->text.data, "x");
    assert_int_equal(toy_main()->list.count, 2);
    assert_string_equal(toy_main()->list.items[0].data, "a");
    assert_non_null(strstr(toy_log, "close s("));
}

static void
test_file_path(void **state)
{
    char expected[128];

    (void)state;
    toy_write("toy.conf", "file keys/x;");
    assert_int_equal(toy_load_file(main_file, NULL), 0);
    snprintf(expected, sizeof(expected), "%s/keys/x", folder);
    assert_string_equal(toy_main()->path.data, expected);
}

static void
test_missing_file(void **state)
{
    (void)state;
    assert_int_equal(toy_load_file(main_file, "flag x;"), -EINVAL);
    assert_told(
        "open() \"%s/toy.conf\" failed (2: No such file or directory); name "
        "the file to load with -c, or create it\n"
        "invalid value \"x\" in \"flag\" directive, it must be \"on\" or "
        "\"off\" in command line:1:6\n"
        "    1 | flag x;\n"
        "      |      ^\n");
}

static void
test_include_chain(void **state)
{
    (void)state;
    toy_write("toy.conf", "\nhttp { include a; }");
    toy_write("a", "\n\n  include b;");
    toy_write("b", "name {\n  'x'y\n} flog;");
    assert_int_equal(toy_load_file(main_file, NULL), -EINVAL);
    assert_told("unexpected \"y\" in %s/b:2:6\n"
                "    2 |   'x'y\n"
                "      |      ^\n"
                "  a quoted word ends just before: a blank or \";\" must "
                "follow, or a quote is missing further up\n"
                "  included in %s/a:3:11\n"
                "  included in %s/toy.conf:2:16\n"
                "directive \"name\" is not terminated by \";\" in %s/b:1:1\n"
                "    1 | name {\n"
                "      | ^\n"
                "  included in %s/a:3:11\n"
                "  included in %s/toy.conf:2:16\n"
                "unknown directive \"flog\" in %s/b:3:3\n"
                "    3 | } flog;\n"
                "      |   ^\n"
                "  did you mean \"flag\"?\n"
                "  included in %s/a:3:11\n"
                "  included in %s/toy.conf:2:16\n");
}

/* After an error finish and close stay out, and everything is still checked. */
static void
test_nothing_is_finished_after_an_error(void **state)
{
    (void)state;
    toy_write(
        "toy.conf",
        "http { name x; server a { number 0; location / { number 0; } }\n"
        "server b { number 4; } server bad { number 0; flag; } }");
    assert_int_equal(toy_load_file(main_file, NULL), -EINVAL);
    assert_int_equal(toy_conf.error_count, 4);
    assert_string_equal(
        toy_log,
        "http;finish base main;server a in http;server b in http;"
        "location / in server;");
    toy_free();
    toy_write(
        "toy.conf",
        "http { name x; server a { number 0; location / { number 4; } }\n"
        "server b { number 4; location /b { number 0; } } }");
    assert_int_equal(toy_load_file(main_file, NULL), -EINVAL);
    assert_int_equal(toy_conf.error_count, 2);
    assert_string_equal(
        toy_log,
        "http;finish base main;server a in http;server b in http;"
        "finish web http x first;location / in server;"
        "location /b in server;finish base server;finish web server x;");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_files_are_kept_once),
        TEST(test_globals),
        TEST(test_file_path),
        TEST(test_missing_file),
        TEST(test_include_chain),
        TEST(test_nothing_is_finished_after_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
