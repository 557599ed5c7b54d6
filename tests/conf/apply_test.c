/* How settings go down: order, copies, arrays, never, objects, raw blocks. */
#include "tests/core/test.h"

#include <errno.h>
#include <stdio.h>

#include "tests/conf/toy.h"

static void
assert_loads(const char *text)
{
    int result = toy_load(text);

    assert_string_equal(toy_told, "");
    assert_int_equal(result, 0);
}

static void
test_empty(void **state)
{
    (void)state;
    assert_loads("");
    assert_int_equal(toy_main()->number, 3);
    assert_int_equal(toy_main()->derived, 6);
    assert_null(toy_conf.settings[toy_web.index]);
    assert_int_equal(toy_conf.file_count, 0);
    assert_string_equal(toy_log, "finish base main;");
    toy_free();
}

static void
test_order(void **state)
{
    (void)state;
    assert_loads("http {\n"
                 "  server a { location /1 { number 4; } location /2 {} }\n"
                 "  server b { name b; }\n"
                 "  name h;\n"
                 "}\n"
                 "number 2;\n");
    assert_string_equal(
        toy_log,
        "http;finish base main;"
        "server a in http;server b in http;finish web http h first;"
        "location /1 in server;location /2 in server;finish web server h;"
        "finish base location;"
        "close /1 of a(name=h number=4 own= list= sum=);"
        "close /2 of a(name=h number=2 own= list= sum=);"
        "close a(name=h number=2 own= list= sum=);"
        "finish web server b;"
        "close b(name=b number=2 own= list= sum=);"
        "close http(rows=0);");
    assert_int_equal(toy_main()->derived, 4);
    assert_int_equal(toy_main()->finish_count, 1);
    assert_int_equal(*(int *)toy_conf.object, 1);
    toy_free();
}

/* What follows "close BLOCK" in the log, up to the next event. */
static void
assert_closed(const char *block, const char *expected)
{
    const char *at = strstr(toy_log, block);

    assert_non_null(at);
    assert_memory_equal(at + strlen(block), expected, strlen(expected));
}

static void
test_arrays(void **state)
{
    (void)state;
    assert_loads("list m1; list m2; sum m1;\n"
                 "http { server a {\n"
                 "  location /same {}\n"
                 "  location /other { list x; list y; sum x; sum y; }\n"
                 "  location /two-names { more x; list y; }\n"
                 "  location /first { sum f; }\n"
                 "  location /second { sum s; }\n"
                 "} }");
    assert_closed(
        "close /same",
        " of a(name=none number=3 own= "
        "list=m1,m2, sum=m1,);");
    assert_closed(
        "close /other",
        " of a(name=none number=3 own= "
        "list=x,y, sum=m1,x,y,);");
    assert_closed(
        "close /two-names",
        " of a(name=none number=3 own= "
        "list=x,y, sum=m1,);");
    assert_closed(
        "close /first",
        " of a(name=none number=3 own= "
        "list=m1,m2, sum=m1,f,);");
    assert_closed(
        "close /second",
        " of a(name=none number=3 own= "
        "list=m1,m2, sum=m1,s,);");
    assert_int_equal(toy_main()->sum.count, 1);
    toy_free();
}

static void
test_long_array(void **state)
{
    char text[2000] = "";
    char expected[16];

    (void)state;
    for (int i = 0; i < 100; i++) {
        sprintf(text + strlen(text), "list item%d;", i);
    }
    assert_loads(text);
    assert_int_equal(toy_main()->list.count, 100);
    for (int i = 0; i < 100; i++) {
        sprintf(expected, "item%d", i);
        assert_string_equal(toy_main()->list.items[i].data, expected);
    }
    toy_free();
}

static void
test_never(void **state)
{
    (void)state;
    assert_loads("own m; http { own h; server a { location / { own l;\n"
                 "location /in {} } } }");
    assert_closed("close /in", " of /(name=none number=3 own= ");
    assert_closed("close / ", "of a(name=none number=3 own=l ");
    assert_closed("close a", "(name=none number=3 own= ");
    assert_string_equal(toy_main()->own.data, "m");
    /* The copy that was made to empty the field is finished. */
    assert_non_null(strstr(toy_log, "finish base server;"));
    toy_free();
}

static void
test_copies_stay_apart(void **state)
{
    (void)state;
    assert_loads("number 1; http { server a { number 5; location / "
                 "{ number 6; } } server b {} }");
    assert_closed("close / ", "of a(name=none number=6");
    assert_closed("close a", "(name=none number=5");
    assert_closed("close b", "(name=none number=1");
    assert_int_equal(toy_main()->number, 1);
    toy_free();
}

static void
test_raw(void **state)
{
    (void)state;
    assert_loads("http { types { a b; \"\" c; 'd e' f g; } }");
    assert_closed("close http", "(rows=3)");
    toy_free();
    assert_loads("http { types {} server a { types { x y; } } }");
    assert_closed("close http", "(rows=0)");
    toy_free();
}

static void
test_values(void **state)
{
    const struct toy_base *base;

    (void)state;
    assert_loads("flag on; number 10; big 5; size 8k; time 1h30m; "
                 "short 500ms; text 'a b' more; path logs/x; mode FAST; "
                 "old; early;");
    base = toy_main();
    assert_true(base->flag);
    assert_int_equal(base->number, 10);
    assert_int_equal(base->big, 5);
    assert_int_equal(base->size, 8192);
    assert_int_equal(base->time_ms, 5400000);
    assert_int_equal(base->short_ms, 500);
    assert_string_equal(base->text.data, "a b");
    assert_string_equal(base->path.data, "/prefix/logs/x");
    assert_int_equal(base->mode, 2);
    toy_free();
}

static const struct {
    const char *text;
    const char *path;
} paths[] = {
    {"path /a/b;", "/a/b"},       {"path $x/b;", "$x/b"},
    {"path a$x;", "/prefix/a$x"}, {"path '';", "/prefix/"},
    {"file a;", "/prefix/a"},
};

static void
test_paths(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        assert_loads(paths[i].text);
        assert_string_equal(toy_main()->path.data, paths[i].path);
        assert_int_equal(toy_main()->path.size, strlen(paths[i].path));
        toy_free();
    }
}

static void
test_same_name_in_two_contexts(void **state)
{
    (void)state;
    assert_loads("name; http { name h; }");
    toy_free();
    assert_int_equal(toy_load("name x; http { name; }"), -EINVAL);
    assert_int_equal(toy_conf.error_count, 2);
    toy_free();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_arrays),
        cmocka_unit_test(test_long_array),
        cmocka_unit_test(test_never),
        cmocka_unit_test(test_copies_stay_apart),
        cmocka_unit_test(test_raw),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_same_name_in_two_contexts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
