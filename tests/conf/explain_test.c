/* What the tables say of themselves. */
#include "tests/core/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/explain.h"
#include "tests/conf/toy.h"

static char text[8192];

static FILE *
open_text(void)
{
    memset(text, 0, sizeof(text));
    return fmemopen(text, sizeof(text), "w");
}

static void
assert_explained(const char *name, int result, const char *expected)
{
    FILE *out = open_text();

    assert_int_equal(coh_conf_explain(out, toy_modules, name), result);
    fclose(out);
    assert_string_equal(text, expected);
}

static void
test_directive(void **state)
{
    (void)state;
    assert_explained(
        "flag", 0,
        "Syntax:   flag on | off;\n"
        "Default:  flag off;\n"
        "Context:  main, http, server, location\n"
        "Given:    once in a block\n"
        "Module:   base\n"
        "\n"
        "A switch.\n");
    assert_explained(
        "own", 0,
        "Syntax:   own text;\n"
        "Context:  main, http, server, location\n"
        "Given:    once in a block\n"
        "Inherit:  never by blocks inside\n"
        "Module:   base\n"
        "\n"
        "Is never inherited.\n");
    assert_explained(
        "early", 0,
        "Syntax:   early;\n"
        "Context:  main, http, server, location\n"
        "Given:    once in a block\n"
        "Read:     when a connection comes, from the default server\n"
        "Module:   base\n"
        "\n"
        "Is read before the location is known.\n");
    assert_explained(
        "old", 0,
        "Syntax:   old [anything];\n"
        "Context:  main, http, server, location\n"
        "Given:    once in a block\n"
        "Module:   base\n"
        "\n"
        "Accepted as in nginx; has no effect here. "
        "Was of use once.\n");
}

static void
test_all_rows(void **state)
{
    (void)state;
    assert_explained(
        "name", 0,
        "Syntax:   name text;\n"
        "Context:  http, server\n"
        "Given:    once in a block\n"
        "Module:   web\n"
        "\n"
        "Names what it stands in.\n"
        "\n"
        "Syntax:   name;\n"
        "Context:  main\n"
        "Given:    once in a block\n"
        "Module:   web\n"
        "\n"
        "Names nothing.\n");
    assert_explained(
        "server", 0,
        "Syntax:   server name { ... }\n"
        "Context:  http\n"
        "Given:    any number of times\n"
        "Module:   web\n"
        "\n"
        "Holds locations.\n");
}

static void
test_unknown(void **state)
{
    (void)state;
    assert_explained(
        "serverr", -ENOENT,
        "unknown directive \"serverr\"\ndid you mean \"server\"?\n");
    assert_explained(
        "o", -ENOENT,
        "unknown directive \"o\"\nthere is: location, mode, more, old, own, "
        "short\n");
    assert_explained("zzzzz", -ENOENT, "unknown directive \"zzzzz\"\n");
}

static void
test_list(void **state)
{
    FILE *out = open_text();

    (void)state;
    coh_conf_explain_all(out, toy_modules);
    fclose(out);
    assert_memory_equal(
        text,
        "base\n"
        "  flag                           A switch.\n"
        "  number                         A number from 1 to 10.\n",
        84);
    assert_non_null(strstr(
        text,
        "\n\nweb\n"
        "  http                           Holds servers.\n"));
    assert_null(strstr(text, "\nnothing"));
}

static void
test_mdoc(void **state)
{
    FILE *out = open_text();

    (void)state;
    coh_conf_explain_mdoc(out, toy_modules);
    fclose(out);
    assert_non_null(strstr(
        text,
        ".Ss Module \"base\"\n"
        ".Bl -tag -width Ds\n"
        ".It Ic \"flag\" Ar \"on | off\"\n"
        "A switch.\n"
        "Default:\n"
        ".Ql \"off\" .\n"
        "Context: main, http, server, location;\n"
        "given once in a block.\n"));
    assert_non_null(strstr(text, "Any text, also a \\e or a \".\n"));
    assert_non_null(strstr(text, "\n\\&.\nContext:"));
    assert_non_null(strstr(text, "once in a block; never inherited.\n"));
}

/* The page as mandoc sees it, where there is one. */
static void
test_mdoc_is_clean(void **state)
{
    FILE *out;

    (void)state;
    if (system("mandoc -V >/dev/null 2>&1; [ $? != 127 ]") != 0) {
        skip();
    }
    out = popen("mandoc -T lint -W warning", "w");
    assert_non_null(out);
    fputs(
        ".Dd January 1, 2026\n.Dt TOY 5\n.Os\n.Sh NAME\n.Nm toy\n"
        ".Nd a toy\n.Sh DIRECTIVES\n",
        out);
    coh_conf_explain_mdoc(out, toy_modules);
    assert_int_equal(pclose(out), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_directive), cmocka_unit_test(test_all_rows),
        cmocka_unit_test(test_unknown),   cmocka_unit_test(test_list),
        cmocka_unit_test(test_mdoc),      cmocka_unit_test(test_mdoc_is_clean),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
