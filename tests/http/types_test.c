/* Content types by file extension. */
#include "tests/core/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/str.h"
#include "http/location.h"
#include "http/name_table.h"
#include "http/settings.h"
#include "http/types.h"
#include "http/virtual_server.h"
#include "tests/http/read.h"

static void
expect(const struct coh_types *types, const char *path, const char *type)
{
    struct cohort_str found =
        coh_types_find(types, cohort_str(path), COH_STR("none"));

    if (!coh_str_is(found, type)) {
        fail_msg("\"%s\" is \"%.*s\"", path, (int)found.size, found.data);
    }
}

static const struct coh_types *
types_of(const struct reading *reading)
{
    const struct coh_virtual_server *server = reading->block->servers;

    return coh_response_settings(server->settings)->types;
}

static void
test_default(void **state)
{
    struct reading *reading = read_http("server { }");

    (void)state;
    expect(types_of(reading), "/a.html", "text/html");
    expect(types_of(reading), "/a.JPG", "image/jpeg");
    expect(types_of(reading), "/a.txt", "none");
    read_free(reading);
}

static void
test_extensions(void **state)
{
    struct reading *reading =
        read_http("types { text/a a1 A2; text/b b1; text/c b1; }"
                  "types { text/d tar.gz d; } server { }");
    const struct coh_types *types = types_of(reading);

    (void)state;
    expect(types, "/x.a1", "text/a");
    expect(types, "/x.a2", "text/a");
    expect(types, "/x.b1", "text/c");
    expect(types, "/x.d", "text/d");
    expect(types, "/x.tar.gz", "none");
    expect(types, "/x.html", "none");
    expect(types, "/x", "none");
    expect(types, "/x.", "none");
    expect(types, "/x.a1/y", "none");
    expect(types, "a1", "none");
    expect(types, ".a1", "text/a");
    read_free(reading);
}

static void
test_a_block_replaces_what_was_inherited(void **state)
{
    struct reading *reading =
        read_http("types { text/a a; } server { types { text/b b; } }");

    (void)state;
    expect(types_of(reading), "/x.a", "none");
    expect(types_of(reading), "/x.b", "text/b");
    read_free(reading);
}

static void
test_long_extension(void **state)
{
    char path[200] = "/x.";
    struct reading *reading = read_http("server { }");

    (void)state;
    memset(path + 3, 'e', sizeof(path) - 4);
    expect(types_of(reading), path, "none");
    read_free(reading);
    expect_told(
        "types { text/a eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
        "eeeeeeeeeeeeeeee; }",
        "extension longer than");
}

/* --- the table that they stand in ----------------------------------------- */

static void
test_name_table(void **state)
{
    static char names[1000][8];
    struct coh_name_table *table =
        coh_name_table_init(calloc(1, coh_name_table_size(1000)), 1000);

    (void)state;
    assert_null(coh_name_table_find(table, COH_STR("")));
    for (int i = 0; i < 1000; i++) {
        snprintf(names[i], sizeof(names[i]), "n%d", i);
        assert_int_equal(
            coh_name_table_add(table, cohort_str(names[i]), names[i]), 0);
    }
    assert_int_equal(
        coh_name_table_add(table, COH_STR("n7"), names[0]), -EEXIST);
    for (int i = 0; i < 1000; i++) {
        assert_ptr_equal(
            coh_name_table_find(table, cohort_str(names[i])), names[i]);
    }
    assert_null(coh_name_table_find(table, COH_STR("n1000")));
    assert_null(coh_name_table_find(table, COH_STR("")));
    free(table);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_default),
        cmocka_unit_test(test_extensions),
        cmocka_unit_test(test_a_block_replaces_what_was_inherited),
        cmocka_unit_test(test_long_extension),
        cmocka_unit_test(test_name_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
