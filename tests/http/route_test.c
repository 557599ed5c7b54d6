/* From a host to its server, from a path to its location. */
#include "tests/core/test.h"

#include <string.h>

#include "core/str.h"
#include "http/address.h"
#include "http/location.h"
#include "http/route.h"
#include "http/virtual_server.h"
#include "tests/http/read.h"

static void
expect_server(const struct reading *reading, const char *host, const char *name)
{
    const struct coh_virtual_server *server =
        coh_route_server(reading->block->addresses, cohort_str(host));

    if (!coh_str_is(server->name, name)) {
        fail_msg("\"%s\" went to \"%s\"", host, server->name.data);
    }
}

static void
test_names(void **state)
{
    struct reading *reading =
        read_http("server { listen 81; server_name default.x; }"
                  "server { listen 81; server_name exact.example.com; }"
                  "server { listen 81; server_name star.x *.example.com; }"
                  "server { listen 81; server_name long.x *.sub.example.com; }"
                  "server { listen 81; server_name dot.x .dotted.org; }"
                  "server { listen 81; server_name trail.x www.example.*; }"
                  "server { listen 81; server_name longer.x www.example.co.*; }"
                  "server { listen 81; server_name none.x \"\"; }"
                  "server { listen 81; server_name UPPER.Example; }");

    (void)state;
    assert_non_null(reading->block);
    expect_server(reading, "nobody", "default.x");
    expect_server(reading, "exact.example.com", "exact.example.com");
    expect_server(reading, "a.example.com", "star.x");
    expect_server(reading, "a.b.example.com", "star.x");
    expect_server(reading, "example.com", "default.x");
    expect_server(reading, "a.sub.example.com", "long.x");
    expect_server(reading, "sub.example.com", "star.x");
    expect_server(reading, "dotted.org", "dot.x");
    expect_server(reading, "a.b.dotted.org", "dot.x");
    expect_server(reading, "xdotted.org", "default.x");
    expect_server(reading, "www.example.net", "trail.x");
    /* A leading wildcard goes before a trailing one. */
    expect_server(reading, "www.example.com", "star.x");
    expect_server(reading, "www.example.co.uk", "longer.x");
    expect_server(reading, "", "none.x");
    expect_server(reading, "upper.example", "upper.example");
    read_free(reading);
}

static void
test_default_server(void **state)
{
    struct reading *reading =
        read_http("server { listen 81; server_name a; }"
                  "server { listen 81 default_server; server_name b; }"
                  "server { listen 81; server_name .c.d; }");

    (void)state;
    expect_server(reading, "x", "b");
    expect_server(reading, "a", "a");
    expect_server(reading, "c.d", "c.d");
    read_free(reading);
}

static void
test_one_server_has_no_tables(void **state)
{
    struct reading *reading =
        read_http("server { listen 81; server_name a b c; }");

    (void)state;
    assert_null(reading->block->addresses->exact);
    expect_server(reading, "zzz", "a");
    read_free(reading);
}

static void
test_server_without_name_has_the_empty_one(void **state)
{
    struct reading *reading =
        read_http("server { listen 81; server_name a; } server { listen 81; }");

    (void)state;
    expect_server(reading, "", "");
    expect_server(reading, "other", "a");
    read_free(reading);
}

static void
test_bad_names(void **state)
{
    (void)state;
    expect_told("server { server_name ~^a$; }", "regex not supported");
    expect_told("server { server_name a*b; }", "is invalid");
    expect_told("server { server_name *a; }", "is invalid");
    expect_told("server { server_name *.*; }", "is invalid");
    expect_told("server { server_name a.*.b; }", "is invalid");
    expect_told("server { server_name .; }", "is invalid");
    expect_told(
        "server { listen 81; server_name a; }"
        "server { listen 81; server_name A; }",
        "warning: conflicting server name \"a\" on 0.0.0.0:81, ignored");
}

/* --- locations ------------------------------------------------------------ */

static void
expect_location(
    const struct reading *reading, const char *path, const char *location)
{
    const struct coh_location *found =
        coh_route_location(reading->block->servers, cohort_str(path));

    if (!coh_str_is(found->path, location)) {
        fail_msg("\"%s\" went to \"%s\"", path, found->path.data);
    }
}

static void
test_longest_prefix(void **state)
{
    struct reading *reading =
        read_http("server { location / {} location /a/ {} location /a-b {}"
                  " location /a/b/c {} location /a/b {} location /a!c/ {}"
                  " location /z {} location '/a b' {} location /\xc3\xa4 {} }");

    (void)state;
    expect_location(reading, "/", "/");
    expect_location(reading, "/a", "/");
    expect_location(reading, "/a/", "/a/");
    expect_location(reading, "/a/x", "/a/");
    expect_location(reading, "/a-b", "/a-b");
    expect_location(reading, "/a-bc/", "/a-b");
    expect_location(reading, "/a-", "/");
    expect_location(reading, "/a/b", "/a/b");
    expect_location(reading, "/a/bb", "/a/b");
    expect_location(reading, "/a/b/c", "/a/b/c");
    expect_location(reading, "/a/b/d", "/a/b");
    expect_location(reading, "/a/a", "/a/");
    expect_location(reading, "/a!c/d", "/a!c/");
    expect_location(reading, "/a b c", "/a b");
    expect_location(reading, "/zzz", "/z");
    expect_location(reading, "/Z", "/");
    expect_location(reading, "/\xc3\xa4\xc3\xb6", "/\xc3\xa4");
    expect_location(reading, "/\xc3", "/");
    read_free(reading);
}

static void
test_exact_wins(void **state)
{
    struct reading *reading =
        read_http("server { location /a {} location = /a {} location ^~ /ab {}"
                  " location =/b {} }");
    const struct coh_location *exact;

    (void)state;
    exact = coh_route_location(reading->block->servers, COH_STR("/a"));
    assert_int_equal(exact->match, COH_MATCH_EXACT);
    expect_location(reading, "/abc", "/ab");
    expect_location(reading, "/b", "/b");
    expect_location(reading, "/b/", "");
    expect_location(reading, "/none", "");
    read_free(reading);
}

static void
test_nested(void **state)
{
    struct reading *reading = read_http(
        "server { location /a/ { location /a/b/ { location = /a/b/c {} }"
        " location = /a/x {} } location /a/b {} }");

    (void)state;
    expect_location(reading, "/a/", "/a/");
    expect_location(reading, "/a/x", "/a/x");
    expect_location(reading, "/a/xy", "/a/");
    /* The longest one of the server's own level is chosen first. */
    expect_location(reading, "/a/b/", "/a/b");
    read_free(reading);
    reading = read_http(
        "server { location /a/ { location /a/b/ { location = /a/b/c {} } } }");
    expect_location(reading, "/a/b/", "/a/b/");
    expect_location(reading, "/a/b/c", "/a/b/c");
    expect_location(reading, "/a/c", "/a/");
    read_free(reading);
}

static void
test_named(void **state)
{
    struct reading *reading = read_http("server { location @n {} }");

    (void)state;
    assert_non_null(coh_route_named(reading->block->servers, COH_STR("@n")));
    assert_null(coh_route_named(reading->block->servers, COH_STR("@m")));
    expect_location(reading, "@n", "");
    read_free(reading);
}

static void
test_bad_locations(void **state)
{
    (void)state;
    expect_told("server { location ~ x {} }", "needs regular expressions");
    expect_told("server { location ~* x {} }", "needs regular expressions");
    expect_told("server { location ~x {} }", "needs regular expressions");
    expect_told(
        "server { location /a {} location /a {} }",
        "duplicate location \"/a\"");
    expect_told(
        "server { location /a {} location ^~ /a {} }",
        "duplicate location \"/a\"");
    expect_told(
        "server { location /a { location /b {} } }",
        "location \"/b\" is outside location \"/a\"");
    expect_told(
        "server { location = /a { location /a/b {} } }",
        "cannot be inside the exact location");
    expect_told(
        "server { location /a { location @b {} } }",
        "can be on the server level only");
    expect_told("server { location ! /a {} }", "invalid location modifier");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_default_server),
        cmocka_unit_test(test_one_server_has_no_tables),
        cmocka_unit_test(test_server_without_name_has_the_empty_one),
        cmocka_unit_test(test_bad_names),
        cmocka_unit_test(test_longest_prefix),
        cmocka_unit_test(test_exact_wins),
        cmocka_unit_test(test_nested),
        cmocka_unit_test(test_named),
        cmocka_unit_test(test_bad_locations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
