/* Variables and the texts that contain them. */
#include "tests/core/test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/str.h"
#include "http/template_text.h"
#include "tests/http/ask.h"
#include "tests/http/read.h"

static struct harness *harness;

static int
setup(void **state)
{
    (void)state;
    harness = harness_new(
        "access_log off; server { listen 127.0.0.1:8123; server_name .name;"
        " location /line { return 200"
        "  \"$request|$request_method|$request_uri|$uri|$document_uri|$args|"
        "$query_string|$is_args|$server_protocol|$scheme|$https\"; }"
        " location /arg { return 200 \"${arg_a}x|$arg_B|$arg_|$arg_c\"; }"
        " location /field { return 200"
        "  \"$http_user_agent|$http_x_a|$http_none|$http_cookie|$cookie_b|"
        "$cookie_none|$content_type|$content_length|$remote_user\"; }"
        " location /server { return 200"
        "  \"$host|$server_name|$remote_addr|$server_addr|"
        "$connection_requests|$nginx_version|$request_port|\"; }"
        " location /time { return 200"
        "  \"$request_time|$msec|$time_iso8601|$time_local|$pid\"; }"
        " location /id { return 200 \"$request_id|$request_id\"; }"
        " location /forwarded { return 200 $proxy_add_x_forwarded_for; }"
        " location /pipe { return 200 \"pipe=$pipe;\"; }"
        " location /sent { add_header X-Sent \"$sent_http_content_type\";"
        "  return 200 \"$sent_http_x_sent|$status\"; }"
        " location /many { return 200 \"$uri$uri$uri$uri$uri$uri$uri$uri$uri"
        "$uri$uri$uri$uri$uri$uri$uri$uri$uri$uri$uri$uri$uri$uri$uri$uri$uri"
        "$uri$uri$uri$uri$uri$uri$uri$uri\"; } }");
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    harness_free(harness);
    return 0;
}

static void
test_line(void **state)
{
    (void)state;
    assert_string_equal(
        body_of(ask(harness, "/line/%41//?x=%42", "")),
        "GET /line/%41//?x=%42 HTTP/1.1|GET|/line/%41//?x=%42|/line/A/|"
        "/line/A/|x=%42|x=%42|?|HTTP/1.1|http|");
    assert_string_equal(
        body_of(ask_raw(harness, "GET /line HTTP/1.0\r\n")),
        "GET /line HTTP/1.0|GET|/line|/line|/line||||HTTP/1.0|http|");
}

static void
test_arguments(void **state)
{
    (void)state;
    assert_string_equal(
        body_of(ask(harness, "/arg?aa=0&A=1&b=%20&a=2", "")), "1x|%20||");
    assert_string_equal(body_of(ask(harness, "/arg?a", "")), "x|||");
    assert_string_equal(body_of(ask(harness, "/arg?c=&&=", "")), "x|||");
}

static void
test_fields(void **state)
{
    (void)state;
    assert_string_equal(
        body_of(
            ask(harness, "/field",
                "User-Agent: me\r\nX-A: 1\r\nX-a: 2\r\nCookie: a=1; b=2,3\r\n"
                "Cookie: c=4;b=5\r\nAuthorization: basic am9lOg==\r\n")),
        "me|1, 2||a=1; b=2,3; c=4;b=5|2,3||||joe");
    assert_string_equal(
        body_of(ask_raw(
            harness,
            "POST /field HTTP/1.1\r\nHost: a\r\nContent-Type: t/x\r\n"
            "Content-Length: 0\r\n")),
        "||||||t/x|0|");
}

static void
test_remote_user(void **state)
{
    static const char *const none[] = {"Basic",           "Basic ",
                                       "Basic !!!",       "Basic am9l",
                                       "Bearer am9lOg==", "Basic Og=="};
    char fields[128];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        snprintf(fields, sizeof(fields), "Authorization: %s\r\n", none[i]);
        assert_string_equal(
            body_of(ask(harness, "/field", fields)), "||||||||");
    }
}

static void
test_server(void **state)
{
    (void)state;
    assert_string_equal(
        body_of(ask(harness, "/server", "")),
        "test|name|127.0.0.1|127.0.0.1|1|1.29.0||");
    assert_string_equal(
        body_of(ask_raw(harness, "GET /server HTTP/1.1\r\nHost: A.b.:81\r\n")),
        "a.b|name|127.0.0.1|127.0.0.1|1|1.29.0|81|");
    assert_string_equal(
        body_of(ask_raw(harness, "GET /server HTTP/1.0\r\n")),
        "name|name|127.0.0.1|127.0.0.1|1|1.29.0||");
}

static void
test_time(void **state)
{
    unsigned seconds;
    unsigned ms;
    unsigned pid;
    char iso[64];
    char local[64];
    unsigned long long wall;

    (void)state;
    assert_int_equal(
        sscanf(
            body_of(ask(harness, "/time", "")),
            "%u.%3u|%llu.%*3u|%63[^|]|%63[^|]|%u", &seconds, &ms, &wall, iso,
            local, &pid),
        6);
    assert_int_equal(seconds, 0);
    assert_true(wall > 1700000000);
    assert_int_equal(strlen(iso), 25);
    assert_int_equal(strlen(local), 26);
    assert_int_equal(pid, getpid());
}

static void
test_sent(void **state)
{
    const char *answer = ask(harness, "/sent", "");

    (void)state;
    /* The text is made before the response has any field. */
    assert_string_equal(body_of(answer), "|000");
    expect_has(answer, "X-Sent: text/plain\r\n");
}

/* Made once for a request. */
static void
test_request_id(void **state)
{
    char first[80];
    const char *body;

    (void)state;
    snprintf(first, sizeof(first), "%s", body_of(ask(harness, "/id", "")));
    assert_int_equal(strlen(first), 65);
    assert_memory_equal(first, first + 33, 32);
    body = body_of(ask(harness, "/id", ""));
    assert_memory_not_equal(first, body, 32);
}

static void
test_forwarded_for(void **state)
{
    (void)state;
    assert_string_equal(body_of(ask(harness, "/forwarded", "")), "127.0.0.1");
    assert_string_equal(
        body_of(ask(harness, "/forwarded", "X-Forwarded-For: ::1\r\n")),
        "::1, 127.0.0.1");
    /* It may have been added by each of several, each in a field of its own. */
    assert_string_equal(
        body_of(
            ask(harness, "/forwarded",
                "X-Forwarded-For: 10.0.0.1, 10.0.0.2\r\nX-Forwarded-For:\r\n"
                "x-forwarded-for: 10.0.0.3\r\n")),
        "10.0.0.1, 10.0.0.2, 10.0.0.3, 127.0.0.1");
}

#define REPEATED_COUNT 90

static size_t
add_number(char *out, const char *before, int i, const char *after)
{
    return (size_t)sprintf(out, "%s%.*d%s", before, i / 2 + 1, i, after);
}

/* As many as there may be, each longer than the last: the room of a list grows
   more than once. */
static void
test_repeated_fields(void **state)
{
    char fields[8192];
    char x_a[8192];
    char forwarded[8192];
    char *fields_end = fields;
    char *x_a_end = x_a;
    char *forwarded_end = forwarded;

    (void)state;
    for (int i = 0; i < REPEATED_COUNT; i += 2) {
        fields_end += add_number(fields_end, "X-A: ", i, "\r\n");
        x_a_end += add_number(x_a_end, i == 0 ? "|" : ", ", i, "");
        fields_end +=
            add_number(fields_end, "X-Forwarded-For: ", i + 1, "\r\n");
        forwarded_end += add_number(forwarded_end, "", i + 1, ", ");
    }
    strcpy(x_a_end, "|||||||");
    strcpy(forwarded_end, "127.0.0.1");
    assert_string_equal(body_of(ask(harness, "/field", fields)), x_a);
    assert_string_equal(body_of(ask(harness, "/forwarded", fields)), forwarded);
}

static void
test_pipe(void **state)
{
    static const char requests[] = "GET /pipe HTTP/1.1\r\nHost: a\r\n\r\n"
                                   "GET /pipe HTTP/1.1\r\nHost: a\r\n\r\n";
    int fd = harness_connect(harness);
    const char *answers =
        harness_exchange(harness, fd, requests, sizeof(requests) - 1);

    (void)state;
    expect_has(answers, "pipe=.;HTTP/1.1 200");
    expect_has(answers, "pipe=p;");
    close(fd);
    harness_turn(harness);
}

static void
test_many_parts(void **state)
{
    (void)state;
    assert_int_equal(
        strlen(body_of(ask(harness, "/many", ""))), 34 * strlen("/many"));
}

static void
test_unknown(void **state)
{
    (void)state;
    expect_told("server { return 200 $nope; }", "unknown \"nope\" variable");
    expect_told("server { return 200 $1; }", "unknown \"1\" variable");
    expect_told("server { return 200 a$; }", "invalid variable name");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_remote_user),
        cmocka_unit_test(test_server),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_sent),
        cmocka_unit_test(test_request_id),
        cmocka_unit_test(test_forwarded_for),
        cmocka_unit_test(test_repeated_fields),
        cmocka_unit_test(test_pipe),
        cmocka_unit_test(test_many_parts),
        cmocka_unit_test(test_unknown),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
