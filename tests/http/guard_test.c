/* Every row of the guard's table: what it refuses, and what is near and passes.
   Heads and bodies go through h1, as requests do. */
#include "tests/core/test.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/str.h"
#include "http/guard.h"
#include "tests/http/harness.h"

static const char configuration[] =
    "access_log off; server { listen 127.0.0.1:8000; server_name a;"
    " client_max_body_size 100; max_headers 20;"
    " large_client_header_buffers 2 512; client_header_buffer_size 512;"
    " location / { return 200 ok; } }";

/* --- heads ---------------------------------------------------------------- */

#define H "Host: a\r\n"
#define END "\r\n\r\n"

static const struct {
    const char *text;
    int status;
} heads[] = {
    /* request line */
    {"GET / HTTP/1.1\r\n" H "\r\n", 200},
    {"\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n", 200},
    {"FOO-BAR / HTTP/1.1\r\n" H "\r\n", 200},
    {"M-SEARCH / HTTP/1.1\r\n" H "\r\n", 200},
    {"get / HTTP/1.1\r\n" H "\r\n", 400},
    {"GeT / HTTP/1.1\r\n" H "\r\n", 400},
    {"G@T / HTTP/1.1\r\n" H "\r\n", 400},
    {" GET / HTTP/1.1\r\n" H "\r\n", 400},
    {"\x16\x03\x01\x02", 400},
    {"GET\t/ HTTP/1.1\r\n" H "\r\n", 400},
    {"GET  / HTTP/1.1\r\n" H "\r\n", 400},
    {"GET /  HTTP/1.1\r\n" H "\r\n", 400},
    {"GET / HTTP/1.1 \r\n" H "\r\n", 400},
    {"GET /a b HTTP/1.1\r\n" H "\r\n", 400},
    {"GET /a\tb HTTP/1.1\r\n" H "\r\n", 400},
    {"GET /\x7f HTTP/1.1\r\n" H "\r\n", 400},
    {"GET /\xff HTTP/1.1\r\n" H "\r\n", 200},
    {"GET a HTTP/1.1\r\n" H "\r\n", 400},
    {"GET * HTTP/1.1\r\n" H "\r\n", 400},
    {"GET /%zz HTTP/1.1\r\n" H "\r\n", 400},
    {"GET /%00 HTTP/1.1\r\n" H "\r\n", 400},
    {"GET /../a HTTP/1.1\r\n" H "\r\n", 400},
    {"GET /a\r HTTP/1.1\r\n" H "\r\n", 400},
    {"GET /\r\n\r\n", 400},
    {"GET / HTTP/0.9\r\n\r\n", 400},
    {"GET / HTTP/1\r\n\r\n", 400},
    {"GET / HTTP/1.10\r\n\r\n", 400},
    {"GET / http/1.1\r\n\r\n", 400},
    {"GET / HTTPS/1.1\r\n\r\n", 400},
    {"GET / HTTP/1.0\r\n\r\n", 200},
    {"GET / HTTP/1.2\r\n" H "\r\n", 200},
    {"GET / HTTP/1.9\r\n" H "\r\n", 200},
    {"GET / HTTP/2.0\r\n\r\n", 505},
    {"PRI * HTTP/2.0\r\n\r\n", 505},
    {"TRACE / HTTP/1.1\r\n" H "\r\n", 405},
    {"CONNECT a:80 HTTP/1.1\r\n" H "\r\n", 405},
    {"CONNECT a HTTP/1.1\r\n" H "\r\n", 400},
    {"CONNECT / HTTP/1.1\r\n" H "\r\n", 400},
    {"CONNECT a:80/ HTTP/1.1\r\n" H "\r\n", 400},
    /* fields */
    {"GET / HTTP/1.1\n"
     "Host: a\n\n",
     200},
    {"GET / HTTP/1.1\r\n"
     "Host: a\n\r\n",
     200},
    {"GET / HTTP/1.1\n"
     "Host: a\r\n\n",
     200},
    {"GET / HTTP/1.1\r\n" H "X:\r\n\r\n", 200},
    {"GET / HTTP/1.1\r\n" H "X:   \t\r\n\r\n", 200},
    {"GET / HTTP/1.1\r\n" H "X: \x80\xff\r\n\r\n", 200},
    {"GET / HTTP/1.1\r\n" H "X: a\x01\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "X: a\x7f\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "X: a\rb\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "X : a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "X a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H ": a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "X(: a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "X: a\r\n \r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "X: \r\n b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "X:\r\n\tb\r\n\r\n", 400},
    {"GET / HTTP/1.1\n"
     "Host: a\n"
     "X: a\n b\n\n",
     400},
    {"GET / HTTP/1.1\r\n X: a\r\n" H "\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "\r\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H H "\r\n", 400},
    {"GET / HTTP/1.1\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a..b\r\n\r\n", 400},
    {"GET / HTTP/1.0\r\nHost: a/b\r\n\r\n", 400},
    {"GET http://a/ HTTP/1.1\r\n" H "\r\n", 200},
    {"GET http://b/ HTTP/1.1\r\n\r\n", 400},
    {"GET http://b/ HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
    {"GET http:///a HTTP/1.1\r\n" H "\r\n", 400},
    {"GET http://a..b/ HTTP/1.1\r\n" H "\r\n", 400},
    {"GET http://u@a/ HTTP/1.1\r\n" H "\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "Expect: x\r\nExpect: x\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "If-Match: x\r\nIf-Match: x\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "Authorization: x\r\nauthorization: y\r\n\r\n",
     400},
    {"GET / HTTP/1.1\r\n" H "Cookie: x\r\nCookie: y\r\n\r\n", 200},
    {"GET / HTTP/1.1\r\n" H "Expect: something\r\n\r\n", 200},
    /* framing */
    {"POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", 200},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc", 200},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 003\r\n\r\nabc", 200},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 3 \r\n\r\nabc", 200},
    {"POST / HTTP/1.1\r\n" H "Content-Length: +3\r\n\r\nabc", 400},
    {"POST / HTTP/1.1\r\n" H "Content-Length: -3\r\n\r\nabc", 400},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 0x3\r\n\r\nabc", 400},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 3 3\r\n\r\nabc", 400},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 3,3\r\n\r\nabc", 400},
    {"POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 18446744073709551616\r\n\r\n",
     400},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 3" END "abc",
     400},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 101\r\n\r\n", 413},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 18446744073709551615\r\n\r\n",
     413},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 3\r\n"
     "Transfer-Encoding: chunked" END "0" END,
     400},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n"
     "Content-Length: 3" END "0" END,
     400},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 3\r\n"
     "Transfer-Encoding: gzip" END "0" END,
     400},
    {"POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked" END "0" END, 400},
    {"POST / HTTP/1.0\r\n" H "Transfer-Encoding: gzip" END, 400},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked" END "0" END, 200},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: CHUNKED \r\n\r\n0" END, 200},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip" END, 501},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: identity" END, 501},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked" END, 501},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip;q=1" END, 501},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, gzip" END, 400},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked" END, 400},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, chunked" END, 400},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: , chunked" END, 400},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: \"chunked\"" END, 400},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked;a=b" END, 400},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding:" END, 400},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n"
     "Transfer-Encoding: chunked" END,
     400},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip\r\n"
     "Transfer-Encoding: chunked" END,
     400},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding : chunked" END, 400},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n chunked" END, 400},
    {"POST / HTTP/1.1\r\n" H "Connection: upgrade\r\nUpgrade: x\r\n"
     "Content-Length: 3" END "abc",
     200},
};

static int
status_of(const char *answer)
{
    if (strncmp(answer, "HTTP/1.1 ", 9) != 0) {
        return 0;
    }
    return (answer[9] - '0') * 100 + (answer[10] - '0') * 10 +
        (answer[11] - '0');
}

static int
ask(struct harness *harness, const char *text, size_t size)
{
    int fd = harness_connect(harness);
    int status = status_of(harness_exchange(harness, fd, text, size));

    close(fd);
    harness_turn(harness);
    return status;
}

static void
judges_heads(void **state)
{
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        int status = ask(*state, heads[i].text, strlen(heads[i].text));

        if (status != heads[i].status) {
            print_error("%zu: %s\n", i, heads[i].text);
        }
        assert_int_equal(status, heads[i].status);
    }
}

/* A refusal ends the connection: nothing behind it is read as a request. */
static void
serves_nothing_behind_a_refusal(void **state)
{
    static const char follower[] = "GET /hidden HTTP/1.1\r\n" H "\r\n";

    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        char text[1024];
        const char *answer;
        int fd;

        if (heads[i].status == 200 || heads[i].status == 405) {
            continue;
        }
        fd = harness_connect(*state);
        strcpy(text, heads[i].text);
        strcat(text, follower);
        answer = harness_exchange(*state, fd, text, strlen(text));
        assert_non_null(strstr(answer, "Connection: close\r\n"));
        assert_null(strstr(strstr(answer, "\r\n\r\n"), "HTTP/1.1"));
        shutdown(fd, SHUT_WR);
        assert_true(harness_is_closed(*state, fd));
        close(fd);
    }
}

static void
refuses_a_nul_in_a_head(void **state)
{
    static const char value[] = "GET / HTTP/1.1\r\n" H "X: a\0b\r\n\r\n";
    static const char target[] = "GET /a\0b HTTP/1.1\r\n" H "\r\n";
    static const char name[] = "GET / HTTP/1.1\r\n" H "X\0: a\r\n\r\n";

    assert_int_equal(ask(*state, value, sizeof(value) - 1), 400);
    assert_int_equal(ask(*state, target, sizeof(target) - 1), 400);
    assert_int_equal(ask(*state, name, sizeof(name) - 1), 400);
}

/* --- sizes ---------------------------------------------------------------- */

/* "GET /aaa HTTP/1.1" with a line of so many bytes. */
static int
ask_with_line(struct harness *harness, size_t size)
{
    char text[4096];
    char *at = text + sprintf(text, "GET /");

    memset(at, 'a', size - 14);
    at += size - 14;
    at += sprintf(at, " HTTP/1.1\r\n" H "\r\n");
    return ask(harness, text, (size_t)(at - text));
}

/* One field whose line has so many bytes. */
static int
ask_with_field(struct harness *harness, size_t size)
{
    char text[4096];
    char *at = text + sprintf(text, "GET / HTTP/1.1\r\n" H "X: ");

    memset(at, 'a', size - 3);
    at += size - 3;
    at += sprintf(at, "\r\n\r\n");
    return ask(harness, text, (size_t)(at - text));
}

static int
ask_with_fields(struct harness *harness, size_t count, size_t size)
{
    char text[8192];
    char *at = text + sprintf(text, "GET / HTTP/1.1\r\n" H);

    for (size_t i = 0; i < count; i++) {
        at += sprintf(at, "X: ");
        memset(at, 'a', size - 3);
        at += size - 3;
        at += sprintf(at, "\r\n");
    }
    at += sprintf(at, "\r\n");
    return ask(harness, text, (size_t)(at - text));
}

static void
limits_heads(void **state)
{
    assert_int_equal(ask_with_line(*state, 512), 200);
    assert_int_equal(ask_with_line(*state, 513), 414);
    assert_int_equal(ask_with_line(*state, 3000), 414);
    assert_int_equal(ask_with_field(*state, 512), 200);
    assert_int_equal(ask_with_field(*state, 513), 400);
    assert_int_equal(ask_with_field(*state, 3000), 400);
    assert_int_equal(ask_with_fields(*state, 2, 400), 200);
    assert_int_equal(ask_with_fields(*state, 3, 400), 400);
    assert_int_equal(ask_with_fields(*state, 19, 10), 200);
    assert_int_equal(ask_with_fields(*state, 20, 10), 400);
}

/* --- all rows ------------------------------------------------------------- */

static void
has_a_row_for_each_rule(void **state)
{
    (void)state;
    for (int rule = 1; rule < COH_RULE_COUNT; rule++) {
        const struct coh_rule_row *row = coh_rule_row((enum coh_rule)rule);

        assert_true(row->status >= 400 && row->status < 600);
        assert_true(strlen(row->what) > 0);
    }
}

static int
begin(void **state)
{
    *state = harness_new(configuration);
    return 0;
}

static int
end(void **state)
{
    struct harness *harness = *state;
    size_t open;

    harness_turn(harness);
    harness_pass(harness, 600000);
    open = harness_open_count(harness);
    harness_free(harness);
    return open == 0 ? 0 : -1;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_heads),
        cmocka_unit_test(serves_nothing_behind_a_refusal),
        cmocka_unit_test(refuses_a_nul_in_a_head),
        cmocka_unit_test(limits_heads),
        cmocka_unit_test(has_a_row_for_each_rule),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
