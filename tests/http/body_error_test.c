/* Errors of a request's body and their pages: the same whether the body came
   with its head or after it, and the last answer of the connection. */
#include "tests/core/test.h"

#include <string.h>
#include <unistd.h>

#include "tests/http/ask.h"

static struct harness *harness;

static int
setup(void **state)
{
    (void)state;
    harness = harness_new(
        "access_log off; port_in_redirect off; client_max_body_size 5;"
        "server { listen 127.0.0.1:8123; error_page 413 400 =200 /page;"
        " location / { return 200 unwanted; }"
        " location /missing { root /nowhere; etag on; }"
        " location /moved { return 301 /away; }"
        " location /url { error_page 413 http://large/; return 200 x; }"
        " location /own { error_page 413 = /page; return 200 x; }"
        " location /kept { error_page 413 /page; return 200 x; }"
        " location /named { error_page 413 =202 @named; return 200 x; }"
        " location /returned { return 413; }"
        " location /returned400 { error_page 400 http://bad/; return 400; }"
        " location = /page { client_max_body_size 1; return 200 page; }"
        " location @named { return 200 \"named\"; } }");
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    harness_free(harness);
    return 0;
}

static const char large[] = "Content-Length: 6\r\n\r\n";
static const char chunked[] = "Transfer-Encoding: chunked\r\n\r\n";

/* The answer to a POST: what stands behind its Host, in one packet. */
static const char *
post(const char *path, const char *rest, const char *body)
{
    int fd = harness_connect_tcp(harness);
    char text[1024];
    int size = snprintf(
        text, sizeof(text), "POST %s HTTP/1.1\r\nHost: test\r\n%s%s", path,
        rest, body);
    const char *answer = harness_exchange(harness, fd, text, (size_t)size);

    close(fd);
    harness_turn(harness);
    return answer;
}

static void
expect_page(const char *answer, int status, const char *text)
{
    expect_status(answer, status);
    expect_has(answer, "Connection: close\r\n");
    expect_lacks(answer, "Location");
    assert_string_equal(body_of(answer), text);
}

static void
expect_location(const char *answer, const char *field)
{
    expect_status(answer, 302);
    expect_has(answer, field);
    expect_has(answer, "Connection: close\r\n");
}

static void
test_page_of_a_large_body(void **state)
{
    /* None of it, a part, all of it, and what may be a request behind it. */
    static const char *const bodies[] = {
        "", "abc", "abcdef", "abcdefGET / HTTP/1.1\r\nHost: test\r\n\r\n"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        expect_page(post("/", large, bodies[i]), 200, "page");
        expect_page(post("/own", large, bodies[i]), 200, "page");
        expect_page(post("/kept", large, bodies[i]), 413, "page");
        expect_page(post("/named", large, bodies[i]), 202, "named");
        expect_location(
            post("/url", large, bodies[i]), "Location: http://large/\r\n");
    }
}

static void
test_page_of_a_large_chunked_body(void **state)
{
    const char *body = "6\r\nabcdef\r\n0\r\n\r\n";

    (void)state;
    expect_page(post("/", chunked, body), 200, "page");
    expect_page(post("/own", chunked, body), 200, "page");
    expect_page(post("/kept", chunked, body), 413, "page");
    expect_page(post("/named", chunked, body), 202, "named");
    expect_location(post("/url", chunked, body), "Location: http://large/\r\n");
}

/* Nothing of the answer that the body spoils remains. */
static void
test_page_in_place_of_another_answer(void **state)
{
    const char *body = "6\r\nabcdef\r\n0\r\n\r\n";

    (void)state;
    expect_page(post("/missing", chunked, body), 200, "page");
    expect_page(post("/moved", chunked, body), 200, "page");
    expect_page(post("/moved", chunked, "x\r\n"), 200, "page");
}

static void
test_page_of_a_broken_body(void **state)
{
    (void)state;
    expect_page(post("/", chunked, "x\r\n"), 200, "page");
    expect_page(post("/", chunked, "1\r\nab\r\n"), 200, "page");
}

/* Also without any body: the status says that the connection is over. */
static void
test_status_without_a_body(void **state)
{
    (void)state;
    expect_page(post("/returned", "\r\n", ""), 200, "page");
    expect_location(
        post("/returned400", "\r\n", ""), "Location: http://bad/\r\n");
}

static void
test_others_live_on(void **state)
{
    const char *answer = post("/", "Content-Length: 5\r\n\r\n", "abcde");

    (void)state;
    expect_status(answer, 200);
    expect_has(answer, "Connection: keep-alive\r\n");
    assert_string_equal(body_of(answer), "unwanted");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page_of_a_large_body),
        cmocka_unit_test(test_page_of_a_large_chunked_body),
        cmocka_unit_test(test_page_in_place_of_another_answer),
        cmocka_unit_test(test_page_of_a_broken_body),
        cmocka_unit_test(test_status_without_a_body),
        cmocka_unit_test(test_others_live_on),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
