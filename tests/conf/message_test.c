/* What is said about each mistake, word for word. */
#include "tests/core/test.h"

#include <errno.h>

#include "tests/conf/toy.h"

struct message_case {
    const char *text;
    const char *told;
};

static void
assert_told(const struct message_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(toy_load(cases[i].text), -EINVAL);
        assert_string_equal(toy_told, cases[i].told);
        assert_true(toy_conf.error_count > 0);
        toy_free();
    }
}

#define ASSERT_TOLD(cases)                                                     \
    assert_told(cases, sizeof(cases) / sizeof((cases)[0]))

/* Unknown, in the wrong place, formed wrong. */
static const struct message_case names_cases[] = {
    {"flg on;",
     "unknown directive \"flg\" in toy:1:1\n"
     "    1 | flg on;\n"
     "      | ^\n"
     "  did you mean \"flag\"?\n"},
    {"\xef\xbb\xbf"
     "flag on; flg on;\n",
     "unknown directive \"flg\" in toy:1:10\n"
     "    1 | flag on; flg on;\n"
     "      |          ^\n"
     "  did you mean \"flag\"?\n"},
    {"zzzz;",
     "unknown directive \"zzzz\" in toy:1:1\n"
     "    1 | zzzz;\n"
     "      | ^\n"},
    {"flow;",
     "unknown directive \"flow\" in toy:1:1\n"
     "    1 | flow;\n"
     "      | ^\n"},
    {"\"\" x;",
     "unknown directive \"\" in toy:1:1\n"
     "    1 | \"\" x;\n"
     "      | ^\n"},
    {"http { sever a { } serve b { locaton / {} } }",
     "unknown directive \"sever\" in toy:1:8\n"
     "    1 | http { sever a { } serve b { locaton / {} } }\n"
     "      |        ^\n"
     "  did you mean \"server\"?\n"
     "unknown directive \"serve\" in toy:1:20\n"
     "    1 | http { sever a { } serve b { locaton / {} } }\n"
     "      |                    ^\n"
     "  did you mean \"server\"?\n"},
    {"server a { location / { flog on; } flag maybe; }",
     "\"server\" directive is not allowed here in toy:1:1\n"
     "    1 | server a { location / { flog on; } flag maybe; }\n"
     "      | ^\n"
     "  here is main; it is allowed in http\n"
     "unknown directive \"flog\" in toy:1:25\n"
     "    1 | server a { location / { flog on; } flag maybe; }\n"
     "      |                         ^\n"
     "  did you mean \"flag\"?\n"},
    {"http { server a { location / { early; } } }",
     "\"early\" directive is not allowed here in toy:1:32\n"
     "    1 | http { server a { location / { early; } } }\n"
     "      |                                ^\n"
     "  it is needed before it is known that the request comes here: set it for the server\n"},
    {"flag on { number 11; }",
     "directive \"flag\" is not terminated by \";\" in toy:1:1\n"
     "    1 | flag on { number 11; }\n"
     "      | ^\n"},
    {"http;",
     "directive \"http\" has no opening \"{\" in toy:1:1\n"
     "    1 | http;\n"
     "      | ^\n"},
    {"http { server a b c { flog; } }",
     "invalid number of arguments in \"server\" directive in toy:1:8\n"
     "    1 | http { server a b c { flog; } }\n"
     "      |        ^\n"
     "  its form is: server name { ... }\n"
     "unknown directive \"flog\" in toy:1:23\n"
     "    1 | http { server a b c { flog; } }\n"
     "      |                       ^\n"
     "  did you mean \"flag\"?\n"},
    {"flag on off;",
     "invalid number of arguments in \"flag\" directive in toy:1:1\n"
     "    1 | flag on off;\n"
     "      | ^\n"
     "  its form is: flag on | off;\n"},
    {"old a b;",
     "invalid number of arguments in \"old\" directive in toy:1:1\n"
     "    1 | old a b;\n"
     "      | ^\n"
     "  its form is: old [anything];\n"},
    {"flag on\nnumber 3;\n",
     "invalid number of arguments in \"flag\" directive in toy:1:1\n"
     "    1 | flag on\n"
     "      | ^\n"
     "  its form is: flag on | off;\n"
     "  is a \";\" missing after \"on\" in line 1?\n"},
    {"http\n  flag on;",
     "directive \"http\" has no opening \"{\" in toy:1:1\n"
     "    1 | http\n"
     "      | ^\n"
     "  is a \";\" missing after \"http\" in line 1?\n"},
    {"flag \"a\\tb\\x7f\033\" '';",
     "invalid number of arguments in \"flag\" directive in toy:1:1\n"
     "    1 | flag \"a\\tb\\x7f \" '';\n"
     "      | ^\n"
     "  its form is: flag on | off;\n"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa;",
     "unknown directive \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\" in toy:1:1\n"
     "    1 | aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa;\n"
     "      | ^\n"},
};

static void
test_names(void **state)
{
    (void)state;
    ASSERT_TOLD(names_cases);
}

/* Braces, semicolons, quotes and ends that are missing. */
static const struct message_case structure_cases[] = {
    {"flag on",
     "unexpected end of file, expecting \";\" or \"}\" in toy:1:8\n"
     "    1 | flag on\n"
     "      |        ^\n"},
    {"flag on }",
     "unexpected \"}\" in toy:1:9\n"
     "    1 | flag on }\n"
     "      |         ^\n"
     "  is a \";\" missing after \"on\" in line 1?\n"},
    {"http {",
     "unexpected end of file, expecting \"}\" in toy:1:7\n"
     "    1 | http {\n"
     "      |       ^\n"
     "  the block \"http\" of line 1 is not closed\n"},
    {"http { server a { location /",
     "unexpected end of file, expecting \";\" or \"}\" in toy:1:29\n"
     "    1 | http { server a { location /\n"
     "      |                             ^\n"
     "  the block \"server\" of line 1 is not closed\n"
     "  the block \"http\" of line 1 is not closed\n"},
    {"flag \"on",
     "unexpected end of file, expecting \";\" or \"}\" in toy:1:6\n"
     "    1 | flag \"on\n"
     "      |      ^\n"
     "  the quote that opens here is never closed\n"},
    {"flag on; } number 4;",
     "unexpected \"}\" in toy:1:10\n"
     "    1 | flag on; } number 4;\n"
     "      |          ^\n"
     "  no block is open here: is there a \"}\" too many further up?\n"},
    {";{a b; {c}} flag x;",
     "unexpected \";\" in toy:1:1\n"
     "    1 | ;{a b; {c}} flag x;\n"
     "      | ^\n"
     "unexpected \"{\" in toy:1:2\n"
     "    1 | ;{a b; {c}} flag x;\n"
     "      |  ^\n"},
    {"text 'a'b; flag x;",
     "unexpected \"b\" in toy:1:9\n"
     "    1 | text 'a'b; flag x;\n"
     "      |         ^\n"
     "  a quoted word ends just before: a blank or \";\" must follow, or a quote is missing further up\n"
     "invalid value \"x\" in \"flag\" directive, it must be \"on\" or \"off\" in toy:1:17\n"
     "    1 | text 'a'b; flag x;\n"
     "      |                 ^\n"},
    {"http { server a { text 'x'}} flag x;",
     "unexpected \"}\" in toy:1:27\n"
     "    1 | http { server a { text 'x'}} flag x;\n"
     "      |                           ^\n"
     "  a quoted word ends just before: a blank or \";\" must follow, or a quote is missing further up\n"
     "invalid value \"x\" in \"flag\" directive, it must be \"on\" or \"off\" in toy:1:35\n"
     "    1 | http { server a { text 'x'}} flag x;\n"
     "      |                                   ^\n"},
    {"'a'} flag x;",
     "unexpected \"}\" in toy:1:4\n"
     "    1 | 'a'} flag x;\n"
     "      |    ^\n"
     "  a quoted word ends just before: a blank or \";\" must follow, or a quote is missing further up\n"
     "invalid value \"x\" in \"flag\" directive, it must be \"on\" or \"off\" in toy:1:11\n"
     "    1 | 'a'} flag x;\n"
     "      |           ^\n"},
    {"http { 'a'} } flag x;",
     "unexpected \"}\" in toy:1:11\n"
     "    1 | http { 'a'} } flag x;\n"
     "      |           ^\n"
     "  a quoted word ends just before: a blank or \";\" must follow, or a quote is missing further up\n"
     "unexpected \"}\" in toy:1:13\n"
     "    1 | http { 'a'} } flag x;\n"
     "      |             ^\n"
     "  no block is open here: is there a \"}\" too many further up?\n"
     "invalid value \"x\" in \"flag\" directive, it must be \"on\" or \"off\" in toy:1:20\n"
     "    1 | http { 'a'} } flag x;\n"
     "      |                    ^\n"},
    {"http { 'a'b c {d;} flag x; }",
     "unexpected \"b\" in toy:1:11\n"
     "    1 | http { 'a'b c {d;} flag x; }\n"
     "      |           ^\n"
     "  a quoted word ends just before: a blank or \";\" must follow, or a quote is missing further up\n"
     "invalid value \"x\" in \"flag\" directive, it must be \"on\" or \"off\" in toy:1:25\n"
     "    1 | http { 'a'b c {d;} flag x; }\n"
     "      |                         ^\n"},
    {"include { flag x; } include; include a b; include '';",
     "directive \"include\" is not terminated by \";\" in toy:1:1\n"
     "    1 | include { flag x; } include; include a b; include '';\n"
     "      | ^\n"
     "invalid number of arguments in \"include\" directive in toy:1:21\n"
     "    1 | include { flag x; } include; include a b; include '';\n"
     "      |                     ^\n"
     "  it takes one: the name of a file, or a pattern\n"
     "invalid number of arguments in \"include\" directive in toy:1:30\n"
     "    1 | include { flag x; } include; include a b; include '';\n"
     "      |                              ^\n"
     "  it takes one: the name of a file, or a pattern\n"
     "invalid number of arguments in \"include\" directive in toy:1:43\n"
     "    1 | include { flag x; } include; include a b; include '';\n"
     "      |                                           ^\n"
     "  it takes one: the name of a file, or a pattern\n"},
};

static void
test_structure(void **state)
{
    (void)state;
    ASSERT_TOLD(structure_cases);
}

/* A directive twice in one block. */
static const struct message_case duplicates_cases[] = {
    {"flag on; flag off; http { flag on; flag on; }",
     "\"flag\" directive is duplicate in toy:1:10\n"
     "    1 | flag on; flag off; http { flag on; flag on; }\n"
     "      |          ^\n"
     "  first set at toy:1\n"
     "\"flag\" directive is duplicate in toy:1:36\n"
     "    1 | flag on; flag off; http { flag on; flag on; }\n"
     "      |                                    ^\n"
     "  first set at toy:1\n"},
    {"http {}\nhttp { flag x; }",
     "\"http\" directive is duplicate in toy:2:1\n"
     "    2 | http { flag x; }\n"
     "      | ^\n"
     "  first set at toy:1\n"},
};

static void
test_duplicates(void **state)
{
    (void)state;
    ASSERT_TOLD(duplicates_cases);
}

/* Values that do not fit. */
static const struct message_case values_cases[] = {
    {"flag yes;",
     "invalid value \"yes\" in \"flag\" directive, it must be \"on\" or \"off\" in toy:1:6\n"
     "    1 | flag yes;\n"
     "      |      ^\n"},
    {"number x;",
     "\"number\" directive invalid number in toy:1:8\n"
     "    1 | number x;\n"
     "      |        ^\n"
     "  \"x\" is not a decimal number\n"},
    {"number 0;",
     "\"number\" directive value must be between 1 and 10 in toy:1:8\n"
     "    1 | number 0;\n"
     "      |        ^\n"},
    {"number 11;",
     "\"number\" directive value must be between 1 and 10 in toy:1:8\n"
     "    1 | number 11;\n"
     "      |        ^\n"},
    {"big 4;",
     "\"big\" directive value must be equal to or greater than 5 in toy:1:5\n"
     "    1 | big 4;\n"
     "      |     ^\n"},
    {"size 8q;",
     "\"size\" directive invalid value in toy:1:6\n"
     "    1 | size 8q;\n"
     "      |      ^\n"
     "  \"8q\" is not a size: digits, then k, m or g, as in 8k\n"},
    {"size 99999999999999999999;",
     "\"size\" directive invalid value in toy:1:6\n"
     "    1 | size 99999999999999999999;\n"
     "      |      ^\n"
     "  \"99999999999999999999\" is too large\n"},
    {"time 5x;",
     "\"time\" directive invalid value in toy:1:6\n"
     "    1 | time 5x;\n"
     "      |      ^\n"
     "  \"5x\" is not a time: digits, then ms, s, m, h, d, w, M or y, as in 1h30m\n"},
    {"short 50d;",
     "\"short\" directive invalid value in toy:1:7\n"
     "    1 | short 50d;\n"
     "      |       ^\n"
     "  \"50d\" is too large\n"},
    {"mode quick;",
     "invalid value \"quick\" in \"mode\" directive in toy:1:6\n"
     "    1 | mode quick;\n"
     "      |      ^\n"
     "  it must be \"slow\" or \"fast\"\n"},
};

static void
test_values(void **state)
{
    (void)state;
    ASSERT_TOLD(values_cases);
}

/* What modules refuse. */
static const struct message_case modules_cases[] = {
    {"break silently; break loudly;",
     "\"break\" failed: Function not implemented in toy:1:1\n"
     "    1 | break silently; break loudly;\n"
     "      | ^\n"
     "broken on purpose in toy:1:23\n"
     "    1 | break silently; break loudly;\n"
     "      |                       ^\n"
     "  remove it\n"},
    {"number 7;",
     "number 7 of main does not fit in toy:1:1\n"
     "    1 | number 7;\n"
     "      | ^\n"},
    {"number 8;", "number 8 of main does not fit\n"},
    {"http { number 8; }",
     "number 8 of http does not fit in toy:1:1\n"
     "    1 | http { number 8; }\n"
     "      | ^\n"},
    {"http { server a { location / { number 7; } } }",
     "number 7 of location does not fit in toy:1:32\n"
     "    1 | http { server a { location / { number 7; } } }\n"
     "      |                                ^\n"},
    {"http { types { a; b c; d { } } }",
     "a row needs a value in toy:1:16\n"
     "    1 | http { types { a; b c; d { } } }\n"
     "      |                ^\n"
     "unexpected \"{\" in toy:1:24\n"
     "    1 | http { types { a; b c; d { } } }\n"
     "      |                        ^\n"
     "  \"types\" takes rows, not blocks\n"},
    {"http { server unclosable {} }",
     "\"unclosable\" cannot be closed in toy:1:8\n"
     "    1 | http { server unclosable {} }\n"
     "      |        ^\n"},
};

static void
test_modules(void **state)
{
    (void)state;
    ASSERT_TOLD(modules_cases);
}

/* The source line and its caret. */
static const struct message_case shown_lines_cases[] = {
    {"\tflag\tx;\r\n",
     "invalid value \"x\" in \"flag\" directive, it must be \"on\" or \"off\" in toy:1:7\n"
     "    1 |  flag x;\n"
     "      |       ^\n"},
    {"text \"\303\244\303\266\" flag; flag \303\244;",
     "invalid value \"\303\244\" in \"flag\" directive, it must be \"on\" or \"off\" in toy:1:24\n"
     "    1 | text \"\303\244\303\266\" flag; flag \303\244;\n"
     "      |                      ^\n"},
};

static void
test_shown_lines(void **state)
{
    (void)state;
    ASSERT_TOLD(shown_lines_cases);
}

/* Of a long line only the part around the place is shown, in whole
   characters. */
static void
test_long_line(void **state)
{
    char text[1024] = "text ";

    (void)state;
    for (int i = 0; i < 60; i++) {
        strcat(text, "\303\244");
    }
    strcat(text, "; flog ");
    for (int i = 0; i < 60; i++) {
        strcat(text, "\303\266");
    }
    strcat(text, ";");
    assert_int_equal(toy_load(text), -EINVAL);
    assert_non_null(strstr(toy_told, " in toy:1:128\n    1 | \303\244"));
    assert_non_null(strstr(toy_told, "\303\266\n      |"));
    assert_non_null(strstr(toy_told, " |                           ^\n"));
    toy_free();
}

/* What the command line gave has no lines, but a place. */
static void
test_parameter(void **state)
{
    const char *file;

    (void)state;
    toy_make_folder();
    file = toy_write("toy.conf", "flag off;");
    assert_int_equal(toy_load_file(file, "flag on; number 4"), -EINVAL);
    assert_non_null(strstr(
        toy_told,
        "unexpected end of parameter, expecting \";\" or \"}\" in "
        "command line:1:18\n"));
    assert_non_null(
        strstr(toy_told, "\"flag\" directive is duplicate in /tmp"));
    assert_non_null(strstr(toy_told, "first set at command line:1\n"));
    toy_free();
    toy_remove_folder();
}

static void
test_warning(void **state)
{
    (void)state;
    assert_int_equal(toy_load("break warn;"), 0);
    assert_string_equal(
        toy_told,
        "warning: this is only a warning in toy:1:1\n"
        "    1 | break warn;\n"
        "      | ^\n"
        "  do nothing\n");
    assert_int_equal(toy_conf.warning_count, 1);
    toy_free();
}

static size_t
count_in(const char *text, const char *part)
{
    size_t count = 0;

    while ((text = strstr(text, part)) != NULL) {
        count++;
        text += strlen(part);
    }
    return count;
}

static void
test_many_errors(void **state)
{
    char text[512] = "";

    (void)state;
    for (int i = 0; i < 23; i++) {
        strcat(text, "flg;\n");
    }
    strcat(text, "break warn;");
    for (int i = 0; i < 20; i++) {
        strcat(text, "break warn;");
    }
    assert_int_equal(toy_load(text), -EINVAL);
    assert_int_equal(toy_conf.error_count, 23);
    assert_int_equal(count_in(toy_told, "unknown directive"), 20);
    assert_non_null(strstr(toy_told, "\nand 3 more errors\n"));
    assert_int_equal(toy_conf.warning_count, 21);
    assert_non_null(strstr(toy_told, "\nwarning: and 1 more warning\n"));
    toy_free();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),      cmocka_unit_test(test_structure),
        cmocka_unit_test(test_duplicates), cmocka_unit_test(test_values),
        cmocka_unit_test(test_modules),    cmocka_unit_test(test_shown_lines),
        cmocka_unit_test(test_long_line),  cmocka_unit_test(test_parameter),
        cmocka_unit_test(test_warning),    cmocka_unit_test(test_many_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
