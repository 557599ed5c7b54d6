/* Static files: root, alias, index, try_files, conditions, ranges, headers. */
#include "tests/core/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/core/folder.h"
#include "tests/http/ask.h"
#include "tests/http/read.h"

static char folder[] = "/tmp/cohort-static-XXXXXX";
static struct harness *harness;

static void
write_file(const char *name, const char *content)
{
    char path[256];
    struct timespec times[2] = {{.tv_sec = 784111777}, {.tv_sec = 784111777}};
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(content, file);
    fclose(file);
    utimensat(AT_FDCWD, path, times, 0);
}

static void
make_folder(const char *name)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    assert_int_equal(mkdir(path, 0755), 0);
}

static void
make_files(void)
{
    static char large[40001];

    assert_non_null(mkdtemp(folder));
    make_folder("html");
    make_folder("html/empty");
    make_folder("html/sub dir");
    make_folder("html/try6");
    make_folder("html.old");
    make_folder("data");
    write_file("secret.txt", "secret");
    write_file("html/index.html", "index");
    write_file("html/a.txt", "0123456789");
    write_file("html/none", "");
    write_file("html/sub dir/index.html", "sub index");
    write_file("html/sub dir/home.htm", "home");
    write_file("html/UPPER.TXT", "upper");
    write_file("html/try6/index.html", "six");
    write_file("html.old/x.txt", "old");
    write_file("data/x.txt", "x");
    memset(large, 'l', sizeof(large) - 1);
    write_file("html/large.bin", large);
}

static int
setup(void **state)
{
    char text[4096];

    (void)state;
    make_files();
    snprintf(
        text, sizeof(text),
        "access_log off; port_in_redirect off;"
        "default_type application/x-other;"
        "types { text/html html htm; text/plain txt; }"
        "server { listen 127.0.0.1:8123; root %s/html;"
        " location /alias/ { alias %s/data/; }"
        " location /gap { alias %s/data/; }"
        " location = /one { alias %s/data/x.txt; }"
        " location /home/ { root %s; index nothing home.htm; }"
        " location \"/sub dir/\" { index nope home.htm index.html; }"
        " location = /absolute/ { index nope /a.txt; }"
        " location /loop/ { index /loop/; }"
        " location /try/ { try_files $uri /none$uri /a.txt =404; }"
        " location /try2/ { try_files /nope =403; }"
        " location /try3/ { try_files /nope @named; }"
        " location /try4/ { try_files \"/sub dir/\" /a.txt; }"
        " location /try5/ { try_files /nope /a.txt?x; }"
        " location /try6 { try_files $uri $uri/ =404; }"
        " location /next/ { try_files $uri $arg_next; }"
        " location /beside/ { try_files $arg_next/ $arg_next =404; }"
        " location /top/ { try_files / =404; }"
        " location /file/ { root %s; try_files /data/$arg_f =404; }"
        " location /cut/ { alias %s/data/; try_files /cut/$arg_f =404; }"
        " location /data/ { root %s; index $arg_f; }"
        " location /to/ { try_files /nope /try6/$arg_f; }"
        " location /user/ { try_files /$remote_user.txt =404; }"
        " location /of/ { root %s/$remote_user; try_files /a.txt =404; }"
        " location @named { return 200 \"named $uri\"; }"
        " location /headers/ { alias %s/html/; add_header X-Uri \"$uri\";"
        "  add_header X-Empty \"\"; add_header X-Two 1; add_header X-Two 2;"
        "  add_header ETag \"\\\"mine\\\"\"; add_header X-Always 1 always; }"
        " location /constant/ { alias %s/html/; add_header X-Const 1; }"
        " location /noranges/ { alias %s/html/; max_ranges 0; etag off; }"
        " location /name/ { return 200"
        "  \"$document_root|$request_filename\"; } }",
        folder, folder, folder, folder, folder, folder, folder, folder, folder,
        folder, folder, folder);
    harness = harness_new(text);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    harness_free(harness);
    return test_folder_remove(folder);
}

static void
test_file(void **state)
{
    const char *answer;
    int i;

    (void)state;
    /* From the disk, then from the cache. */
    for (i = 0; i < 2; i++) {
        answer = ask(harness, "/a.txt", "");
        expect_status(answer, 200);
        expect_has(answer, "Content-Type: text/plain\r\n");
        expect_has(answer, "Content-Length: 10\r\n");
        expect_has(answer, "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
        expect_has(answer, "ETag: \"2ebc98a1-a\"\r\n");
        expect_has(answer, "Accept-Ranges: bytes\r\n");
        assert_string_equal(body_of(answer), "0123456789");
    }
    answer = ask_raw(harness, "HEAD /a.txt HTTP/1.1\r\nHost: x\r\n");
    expect_has(answer, "Content-Length: 10\r\n");
    assert_string_equal(body_of(answer), "");
    answer = ask(harness, "/none", "");
    expect_has(answer, "Content-Type: application/x-other\r\n");
    expect_has(answer, "Content-Length: 0\r\n");
    expect_has(ask(harness, "/UPPER.TXT", ""), "Content-Type: text/plain\r\n");
    answer = ask(harness, "/large.bin", "");
    expect_has(answer, "Content-Length: 40000\r\n");
    assert_int_equal(strlen(body_of(answer)), 40000);
}

static void
test_not_there(void **state)
{
    (void)state;
    expect_status(ask(harness, "/nope", ""), 404);
    expect_has(harness_log(harness), "failed (2: No such file");
    expect_status(ask(harness, "/a.txt/", ""), 404);
    expect_status(ask(harness, "/a.txt/b", ""), 404);
    expect_status(ask(harness, "/empty/", ""), 403);
    expect_status(ask(harness, "/nope/", ""), 404);
    expect_status(
        ask_raw(
            harness,
            "POST /a.txt HTTP/1.1\r\nHost: x\r\n"
            "Content-Length: 0\r\n"),
        405);
}

static void
test_directories(void **state)
{
    (void)state;
    assert_string_equal(body_of(ask(harness, "/", "")), "index");
    expect_has(
        ask(harness, "/empty?a=b", ""), "Location: http://test/empty/?a=b\r\n");
    expect_has(
        ask(harness, "/sub%20dir", ""), "Location: http://test/sub%20dir/\r\n");
    assert_string_equal(body_of(ask(harness, "/sub%20dir/", "")), "home");
    assert_string_equal(body_of(ask(harness, "/absolute/", "")), "0123456789");
    expect_status(ask(harness, "/loop/", ""), 500);
    expect_has(harness_log(harness), "more than 10 internal redirects");
}

static void
test_alias(void **state)
{
    (void)state;
    assert_string_equal(body_of(ask(harness, "/alias/x.txt", "")), "x");
    assert_string_equal(body_of(ask(harness, "/one", "")), "x");
    expect_status(ask(harness, "/alias/y", ""), 404);
    assert_string_equal(body_of(ask(harness, "/gapx.txt", "")), "x");
}

static void
test_a_path_never_leaves_its_root(void **state)
{
    (void)state;
    expect_status(ask(harness, "/gap../secret.txt", ""), 404);
    expect_status(ask(harness, "/gap..%2fsecret.txt", ""), 404);
    expect_status(ask(harness, "/../secret.txt", ""), 400);
    expect_status(ask(harness, "/x/%2e%2e/%2e%2e/secret.txt", ""), 400);
}

/* Neither does what clients put into a text. */
static void
test_a_text_never_leaves_its_root(void **state)
{
    (void)state;
    assert_string_equal(body_of(ask(harness, "/file/?f=x.txt", "")), "x");
    expect_status(ask(harness, "/file/?f=../secret.txt", ""), 404);
    expect_status(ask(harness, "/file/?f=../data/x.txt", ""), 404);
    expect_status(ask(harness, "/file/?f=../../../etc/passwd", ""), 404);
    assert_string_equal(body_of(ask(harness, "/cut/?f=x.txt", "")), "x");
    expect_status(ask(harness, "/cut/?f=../secret.txt", ""), 404);
    expect_status(ask(harness, "/data/?f=../secret.txt", ""), 403);
    assert_string_equal(body_of(ask(harness, "/data/?f=x.txt", "")), "x");
    harness_log(harness);
    expect_status(ask(harness, "/to/?f=../a.txt", ""), 404);
    expect_has(harness_log(harness), "\"/try6/../a.txt\" is no path");
    assert_string_equal(body_of(ask(harness, "/to/?f=index.html", "")), "six");
}

/* The rest of a name would be lost behind it. */
static void
test_no_name_has_a_nul(void **state)
{
    (void)state;
    /* a, a.txt NUL, html, html NUL */
    assert_string_equal(
        body_of(ask(harness, "/user/", "Authorization: Basic YTpw\r\n")),
        "0123456789");
    expect_status(
        ask(harness, "/user/", "Authorization: Basic YS50eHQAOnA=\r\n"), 404);
    assert_string_equal(
        body_of(ask(harness, "/of/", "Authorization: Basic aHRtbDpw\r\n")),
        "0123456789");
    expect_status(
        ask(harness, "/of/", "Authorization: Basic aHRtbAA6cA==\r\n"), 404);
}

static void
test_try_files(void **state)
{
    (void)state;
    assert_string_equal(body_of(ask(harness, "/try/x", "")), "0123456789");
    expect_status(ask(harness, "/try2/x", ""), 403);
    assert_string_equal(body_of(ask(harness, "/try3/x", "")), "named /try3/x");
    expect_has(
        ask(harness, "/try4/x", ""), "Location: http://test/sub%20dir/\r\n");
    expect_has(ask(harness, "/try6", ""), "Location: http://test/try6/\r\n");
    assert_string_equal(body_of(ask(harness, "/try6/", "")), "six");
    assert_string_equal(body_of(ask(harness, "/try5/x", "")), "0123456789");
}

/* What clients put into a text need not be a path. */
static void
test_what_is_no_path_is_no_file(void **state)
{
    (void)state;
    harness_log(harness);
    expect_status(ask(harness, "/next/x", ""), 500);
    expect_has(
        harness_log(harness),
        "\"\" is no path, as it does not begin with \"/\"; look at what "
        "try_files or index");
    /* Beside the root, whose name it would go on with. */
    expect_status(ask(harness, "/next/x?next=.old/x.txt", ""), 500);
    expect_has(harness_log(harness), "\".old/x.txt\" is no path");
    expect_status(ask(harness, "/beside/?next=.old/x.txt", ""), 404);
    expect_status(ask(harness, "/beside/?next=.old", ""), 404);
    expect_status(ask(harness, "/beside/", ""), 404);
    assert_string_equal(
        body_of(ask(harness, "/next/x?next=/a.txt", "")), "0123456789");
    assert_string_equal(body_of(ask(harness, "/top/x", "")), "index");
}

static void
test_conditions(void **state)
{
    const char *answer =
        ask(harness, "/a.txt", "If-None-Match: \"2ebc98a1-a\"\r\n");

    (void)state;
    expect_status(answer, 304);
    expect_has(answer, "ETag: \"2ebc98a1-a\"\r\n");
    expect_has(answer, "Last-Modified: ");
    expect_lacks(answer, "Content-");
    expect_status(
        ask(harness, "/a.txt",
            "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"),
        304);
    expect_status(ask(harness, "/a.txt", "If-Match: \"other\"\r\n"), 412);
    expect_status(ask(harness, "/a.txt", "If-None-Match: \"x\"\r\n"), 200);
}

static void
test_ranges(void **state)
{
    const char *answer = ask(harness, "/a.txt", "Range: bytes=2-4\r\n");

    (void)state;
    expect_status(answer, 206);
    expect_has(answer, "Content-Range: bytes 2-4/10\r\n");
    expect_has(answer, "Content-Length: 3\r\n");
    assert_string_equal(body_of(answer), "234");
    answer = ask(harness, "/a.txt", "Range: bytes=10-\r\n");
    expect_status(answer, 416);
    expect_has(answer, "Content-Range: bytes */10\r\n");
    answer =
        ask(harness, "/a.txt", "Range: bytes=2-4\r\nIf-Range: \"other\"\r\n");
    expect_status(answer, 200);
    answer = ask(
        harness, "/a.txt", "Range: bytes=2-4\r\nIf-Range: \"2ebc98a1-a\"\r\n");
    expect_status(answer, 206);
    answer = ask(harness, "/large.bin", "Range: bytes=39990-\r\n");
    expect_status(answer, 206);
    assert_string_equal(body_of(answer), "llllllllll");
    answer = ask(harness, "/noranges/a.txt", "Range: bytes=2-4\r\n");
    expect_status(answer, 200);
    expect_lacks(answer, "Accept-Ranges");
    expect_lacks(answer, "ETag");
}

static void
test_several_ranges(void **state)
{
    const char *answer = ask(harness, "/a.txt", "Range: bytes=0-0,-2\r\n");
    const char *body = body_of(answer);
    const char *length = strstr(answer, "Content-Length: ");

    (void)state;
    expect_status(answer, 206);
    expect_has(answer, "Content-Type: multipart/byteranges; boundary=");
    assert_int_equal(strtoul(length + 16, NULL, 10), strlen(body));
    expect_has(
        body,
        "Content-Type: text/plain\r\n"
        "Content-Range: bytes 0-0/10\r\n\r\n0\r\n--");
    expect_has(body, "Content-Range: bytes 8-9/10\r\n\r\n89\r\n--");
    expect_has(body, "--\r\n");
}

static void
test_added_headers(void **state)
{
    const char *answer = ask(harness, "/headers/a.txt", "");

    (void)state;
    expect_has(answer, "X-Uri: /headers/a.txt\r\n");
    expect_lacks(answer, "X-Empty");
    expect_has(answer, "X-Two: 1\r\n");
    expect_has(answer, "X-Two: 2\r\n");
    expect_has(answer, "ETag: \"mine\"\r\n");
    expect_lacks(answer, "2ebc98a1");
    expect_has(ask(harness, "/constant/a.txt", ""), "X-Const: 1\r\n");
    answer = ask(harness, "/constant/a.txt", "");
    expect_has(answer, "X-Const: 1\r\n");
    expect_has(answer, "ETag: \"2ebc98a1-a\"\r\n");
    answer = ask(harness, "/headers/nope", "");
    expect_status(answer, 404);
    expect_lacks(answer, "X-Uri");
    expect_has(answer, "X-Always: 1\r\n");
    expect_told("add_header \"a b\" c;", "invalid header field name");
    expect_told("add_header A \"b\nc\";", "cannot have line breaks");
    expect_told("add_header Date c;", "the server's own");
    expect_told("add_header A c ever;", "invalid parameter \"ever\"");
}

static void
test_variables(void **state)
{
    char expected[512];

    (void)state;
    snprintf(
        expected, sizeof(expected), "%s/html|%s/html/name/x", folder, folder);
    assert_string_equal(body_of(ask(harness, "/name/x", "")), expected);
}

static void
test_bad(void **state)
{
    (void)state;
    expect_told(
        "server { location / { root a; alias b; } }",
        "\"alias\" directive is duplicate, \"root\"");
    expect_told(
        "server { location / { alias a; root b; } }",
        "\"root\" directive is duplicate, \"alias\"");
    expect_told("server { location @a { alias a; } }", "named location");
    expect_told("root a; root b;", "duplicate");
    expect_told("server { try_files /a =x; }", "invalid code \"=x\"");
    expect_told("server { index \"\"; }", "is invalid");
}

/* Such a folder would have to be known before it is. */
static void
test_no_folder_is_made_of_itself(void **state)
{
    (void)state;
    expect_told(
        "server { root /x$document_root; }",
        "$document_root variable cannot be used in the \"root\"");
    expect_told(
        "server { location / { root ${realpath_root}/x; } }",
        "$realpath_root variable cannot be used in the \"root\"");
    expect_told(
        "server { location / { alias /x/$uri$request_filename; } }",
        "$request_filename variable cannot be used in the \"alias\"");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_not_there),
        cmocka_unit_test(test_directories),
        cmocka_unit_test(test_alias),
        cmocka_unit_test(test_a_path_never_leaves_its_root),
        cmocka_unit_test(test_a_text_never_leaves_its_root),
        cmocka_unit_test(test_no_name_has_a_nul),
        cmocka_unit_test(test_try_files),
        cmocka_unit_test(test_what_is_no_path_is_no_file),
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_several_ranges),
        cmocka_unit_test(test_added_headers),
        cmocka_unit_test(test_variables),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_no_folder_is_made_of_itself),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
