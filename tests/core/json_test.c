/* JSON: what is taken, what is refused and where, trees built and written. */
#include "tests/core/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/str.h"

static int
check(const char *text)
{
    size_t count;

    return coh_json_text_check(cohort_str(text), &count, NULL);
}

static struct coh_json *
parse(const char *text)
{
    struct coh_json *value;

    assert_int_equal(
        coh_json_parse(cohort_str(text), strlen(text), &value, NULL), 0);
    return value;
}

/* Frees value. */
static void
assert_written(struct coh_json *value, const char *expected)
{
    char out[256];
    ssize_t size = coh_json_write(value, out, sizeof(out));

    assert_int_equal(size, strlen(expected));
    assert_memory_equal(out, expected, (size_t)size);
    assert_int_equal(coh_json_write(value, out, (size_t)size - 1), -EMSGSIZE);
    coh_json_free(value);
}

static void
test_valid_texts_are_taken(void **state)
{
    static const char *const texts[] = {
        "null", "true", "false", "0", "-0", "12", "-1.5e+10", "1E9", "0.25",
        "\"\"", "\"a\\u00e9\\n\\\"\\/\"", "[]", "{}", " [ 1 , [ ] , { } ] ",
        "{\"a\":1,\"b\":[true,null],\"c\":{\"d\":\"\"}}", "\t\n\r 1 \n",
        "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf\"",
        /* What JSON.stringify writes and no tree could hold. */
        "\"\\ud800\"", "{\"\\u0000\":1}", "[18446744073709552000,1e400]"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (check(texts[i]) != 0) {
            fail_msg("refused: %s", texts[i]);
        }
    }
}

static void
test_other_texts_are_refused(void **state)
{
    static const char *const texts[] = {
        "", " ", "nul", "nullx", "True", "01", "-", "1.", ".5", "1e", "1e+",
        "+1", "0x10", "NaN", "\"", "\"a", "\"\\", "\"\\x\"", "\"\\u12g4\"",
        "\"\\u12", "\"a\nb\"", "[", "]", "[1", "[1,", "[1,]", "[,1]", "[1 2]",
        "[1}", "{", "{]", "{\"a\"", "{\"a\"}", "{\"a\":", "{\"a\":1",
        "{\"a\":1,", "{\"a\":1,}", "{1:2}", "{a:1}", "{\"a\" 1}", "{,}", "1 1",
        "{}{}", "'a'", "// 1\n1",
        /* Not UTF-8: cut, too long, surrogate, too large, stray. */
        "\"\xc3\"", "\"\xc0\xaf\"", "\"\xe0\x80\xaf\"", "\"\xed\xa0\x80\"",
        "\"\xf4\x90\x80\x80\"", "\"\x80\"", "\"\xff\"", "\"\xe2\x82\"",
        "\xef\xbb\xbf[]"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (check(texts[i]) != -EINVAL) {
            fail_msg("taken: %s", texts[i]);
        }
    }
    assert_int_equal(
        coh_json_text_check(cohort_str_n("\0", 1), &(size_t){0}, NULL),
        -EINVAL);
}

/* Whatever is cut off, and wherever, nothing behind the end is read. */
static void
test_every_cut_is_refused(void **state)
{
    static const char text[] =
        "{\"a\":[1.5e3,\"\\u00e9\xe2\x82\xac\"],\"b\":{\"c\":true}}";

    (void)state;
    for (size_t size = 0; size < sizeof(text) - 1; size++) {
        char *copy = malloc(size + 1);
        size_t count;

        assert_non_null(copy);
        memcpy(copy + 1, text, size);
        assert_int_equal(
            coh_json_text_check(cohort_str_n(copy + 1, size), &count, NULL),
            -EINVAL);
        free(copy);
    }
    assert_int_equal(check(text), 0);
}

static void
test_position(void **state)
{
    struct coh_json_error error;
    struct coh_json *value;
    const char *text = "{\n  \"a\": 1,\n  \"b\": tru\n}";

    (void)state;
    assert_int_equal(
        coh_json_parse(cohort_str(text), 100, &value, &error), -EINVAL);
    assert_null(value);
    assert_int_equal(error.line, 3);
    assert_int_equal(error.column, 8);
    assert_int_equal(error.offset, 19);
    assert_string_equal(error.reason, "has no value where one must be");
    assert_int_equal(coh_json_parse(COH_STR("[1"), 9, &value, &error), -EINVAL);
    assert_int_equal(error.offset, 2);
    assert_int_equal(error.column, 3);
}

static void
test_limits(void **state)
{
    struct coh_json_error error;
    struct coh_json *value;
    size_t size = 2 * (COH_JSON_VALUES_MAX + 1);
    char *text = malloc(size);

    (void)state;
    assert_non_null(text);
    memset(text, '[', COH_JSON_DEPTH_MAX);
    memset(text + COH_JSON_DEPTH_MAX, ']', COH_JSON_DEPTH_MAX);
    assert_int_equal(
        coh_json_parse(
            cohort_str_n(text, 2 * COH_JSON_DEPTH_MAX), size, &value, &error),
        0);
    coh_json_free(value);
    memset(text, '[', size);
    assert_int_equal(
        coh_json_parse(cohort_str_n(text, size), size, &value, &error), -E2BIG);
    assert_string_equal(error.reason, "is nested too deeply");
    for (size_t i = 0; i < size; i += 2) {
        memcpy(text + i, ",1", 2);
    }
    text[0] = '[';
    text[size - 1] = ']';
    text[size - 2] = ' ';
    assert_int_equal(
        coh_json_parse(cohort_str_n(text, size), size, &value, &error), -E2BIG);
    assert_string_equal(error.reason, "holds too many values");
    memset(text + size - 6, ' ', 5);
    assert_int_equal(
        coh_json_parse(cohort_str_n(text, size), size, &value, &error), 0);
    assert_int_equal(coh_json_count(value), COH_JSON_VALUES_MAX - 2);
    coh_json_free(value);
    assert_int_equal(
        coh_json_parse(cohort_str_n(text, size), size - 1, &value, &error),
        -E2BIG);
    assert_string_equal(error.reason, "is too long");
    free(text);
}

static void
test_valid_but_not_to_be_held(void **state)
{
    static const struct {
        const char *text;
        const char *reason;
    } cases[] = {
        {"[18446744073709552000]", "has a number that is too large"},
        {"[1e400]", "has a number that is too large"},
        {"\"\\ud800\"", "has half a surrogate pair"},
        {"{\"\\u0000\":1}", "has a name with a NUL in it"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coh_json_error error;
        struct coh_json *value;

        assert_int_equal(
            coh_json_parse(cohort_str(cases[i].text), 99, &value, &error),
            -ERANGE);
        assert_string_equal(error.reason, cases[i].reason);
    }
}

static void
test_members_of_text(void **state)
{
    struct cohort_str object = COH_STR(
        " { \"a\" : [1,{\"cmd\":2}] ,\"\\u0063md\":\"NODE\",\"b\":{} , \"a\":7}");
    struct cohort_str value;

    (void)state;
    assert_true(coh_json_text_member(object, "cmd", &value));
    assert_true(coh_str_is(value, "\"NODE\""));
    assert_true(coh_json_text_is(value, "NODE"));
    assert_false(coh_json_text_is(value, "NODE_"));
    assert_true(coh_json_text_member(object, "a", &value));
    assert_true(coh_str_is(value, "7"));
    assert_true(coh_json_text_member(object, "b", &value));
    assert_true(coh_str_is(value, "{}"));
    assert_false(coh_json_text_member(object, "c", &value));
    assert_false(coh_json_text_member(COH_STR("{}"), "a", &value));
    assert_false(coh_json_text_member(COH_STR("[\"a\"]"), "a", &value));
    assert_false(coh_json_text_member(COH_STR("\"a\""), "a", &value));
    assert_true(coh_json_text_is(COH_STR("\"\\u004e\\\"\""), "N\""));
    assert_false(coh_json_text_is(COH_STR("\"\\ud800\""), "x"));
    assert_false(coh_json_text_is(COH_STR("1"), "1"));
}

static void
test_texts_are_mended(void **state)
{
    static const struct {
        const char *text;
        const char *mended;
    } cases[] = {
        {"", ""},
        {"plain \x7f", "plain \x7f"},
        {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
         "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"a\xe4o", "a?o"},
        {"\xc3\xa4\xc3", "\xc3\xa4?"},
        {"\xf0\x9f\x98", "???"},
        {"\xed\xa0\x80", "???"},
        {"\xc0\x80", "??"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *text = strdup(cases[i].text);

        coh_json_text_mend(text, strlen(text));
        assert_string_equal(text, cases[i].mended);
        free(text);
    }
}

static void
test_values_say_what_they_are(void **state)
{
    struct coh_json *object =
        parse("{\"s\":\"a\\u0000b\",\"i\":-5,\"r\":1.5,\"t\":true,\"n\":null,"
              "\"l\":[1,2]}");
    struct cohort_str string;
    int64_t integer;
    bool boolean;

    (void)state;
    assert_int_equal(coh_json_kind(object), COH_JSON_OBJECT);
    assert_int_equal(coh_json_count(object), 6);
    assert_int_equal(
        coh_json_get_string(coh_json_member(object, "s"), &string), 0);
    assert_int_equal(string.size, 3);
    assert_memory_equal(string.data, "a\0b", 4);
    assert_int_equal(
        coh_json_get_integer(coh_json_member(object, "i"), -5, 0, &integer), 0);
    assert_int_equal(integer, -5);
    assert_int_equal(
        coh_json_get_integer(coh_json_member(object, "i"), -4, 0, &integer),
        -ERANGE);
    assert_int_equal(
        coh_json_get_integer(coh_json_member(object, "r"), 0, 9, &integer),
        -EINVAL);
    assert_int_equal(
        coh_json_get_boolean(coh_json_member(object, "t"), &boolean), 0);
    assert_true(boolean);
    assert_int_equal(
        coh_json_get_boolean(coh_json_member(object, "n"), &boolean), -EINVAL);
    assert_int_equal(
        coh_json_get_string(coh_json_member(object, "x"), &string), -ENOENT);
    assert_null(coh_json_member(NULL, "x"));
    assert_null(coh_json_element(object, 0));
    assert_null(coh_json_element(coh_json_member(object, "l"), 2));
    assert_int_equal(
        coh_json_get_integer(
            coh_json_element(coh_json_member(object, "l"), 1), 0, 9, &integer),
        0);
    assert_int_equal(integer, 2);
    coh_json_free(object);
}

static void
test_built_and_written(void **state)
{
    struct coh_json *list = coh_json_array();
    struct coh_json *object = coh_json_object();

    (void)state;
    list = coh_json_append(list, coh_json_integer(INT64_MIN));
    list = coh_json_append(list, coh_json_boolean(false));
    list = coh_json_append(list, coh_json_null());
    object =
        coh_json_set(object, "text", coh_json_string(COH_STR("\"\n\xc3\xa9")));
    object = coh_json_set(object, "list", list);
    object = coh_json_set(object, "empty", coh_json_string(cohort_str(NULL)));
    assert_written(
        object,
        "{\"text\":\"\\\"\\n\xc3\xa9\","
        "\"list\":[-9223372036854775808,false,null],\"empty\":\"\"}");
    assert_written(coh_json_string(COH_STR("a")), "\"a\"");
    assert_written(
        parse(" { \"b\" : [ ] , \"a\" : 1.5 } "), "{\"b\":[],\"a\":1.5}");
}

/* What failed in the middle of a chain is told at its end, nothing leaks. */
static void
test_failure_in_a_chain(void **state)
{
    struct coh_json *kept = coh_json_integer(1);
    struct coh_json *object = coh_json_object();
    char out[8];

    (void)state;
    object = coh_json_set(object, "a", coh_json_keep(kept));
    object = coh_json_set(object, "b", coh_json_string(COH_STR("\xff")));
    assert_null(object);
    object = coh_json_set(object, "c", coh_json_keep(kept));
    assert_null(object);
    assert_null(coh_json_append(NULL, coh_json_keep(kept)));
    assert_null(coh_json_append(coh_json_array(), NULL));
    assert_int_equal(coh_json_write(object, out, sizeof(out)), -ENOMEM);
    assert_int_equal(coh_json_write(kept, out, sizeof(out)), 1);
    coh_json_free(kept);
    coh_json_free(NULL);
    assert_null(coh_json_keep(NULL));
}

static int
add_name(const char *name, const struct coh_json *value, void *user)
{
    strcat(user, name);
    return coh_json_kind(value) == COH_JSON_NULL ? 7 : 0;
}

static void
test_members_are_walked_in_their_order(void **state)
{
    const char *text = "{\"b\":1,\"a\":2,\"c\":null,\"d\":3}";
    struct coh_json *object;
    char names[16] = "";

    (void)state;
    assert_int_equal(coh_json_parse(cohort_str(text), 100, &object, NULL), 0);
    assert_int_equal(coh_json_walk(object, add_name, names), 7);
    assert_string_equal(names, "bac");
    assert_int_equal(
        coh_json_walk(coh_json_member(object, "b"), add_name, names), 0);
    assert_int_equal(coh_json_walk(NULL, add_name, names), 0);
    coh_json_free(object);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_are_walked_in_their_order),
        cmocka_unit_test(test_valid_texts_are_taken),
        cmocka_unit_test(test_other_texts_are_refused),
        cmocka_unit_test(test_every_cut_is_refused),
        cmocka_unit_test(test_position),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_valid_but_not_to_be_held),
        cmocka_unit_test(test_members_of_text),
        cmocka_unit_test(test_texts_are_mended),
        cmocka_unit_test(test_values_say_what_they_are),
        cmocka_unit_test(test_built_and_written),
        cmocka_unit_test(test_failure_in_a_chain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
