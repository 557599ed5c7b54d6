/* Requests of a connection: what is kept, what follows, what is left out. */
#include "tests/core/test.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/http/harness.h"

#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define CLOSE "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

static const char configuration[] =
    "access_log off; keepalive_timeout 10s 9s; client_header_timeout 5s;"
    " client_body_timeout 4s; send_timeout 3s; lingering_time 8s;"
    " lingering_timeout 2s; keepalive_requests 50; keepalive_min_timeout 1s;"
    " server { listen 127.0.0.1:8000; server_name a; large_client_header_buffers"
    " 4 1k; client_max_body_size 1m;"
    " location / { return 200 ok; }"
    " location /once { keepalive_timeout 0; return 200 ok; }"
    " location /large { client_max_body_size 0; return 200 ok; } }"
    " server { listen 127.0.0.1:8000; server_name b;"
    " large_client_header_buffers 4 8k; return 200 from-b; }";

static struct harness *harness;

static const char *
exchange(int fd, const char *text)
{
    return harness_exchange(harness, fd, text, strlen(text));
}

static unsigned
count(const char *text, const char *what)
{
    unsigned found = 0;

    for (; (text = strstr(text, what)) != NULL; text++) {
        found++;
    }
    return found;
}

static const char *
once(const char *text)
{
    int fd = harness_connect(harness);
    const char *answer = exchange(fd, text);

    close(fd);
    harness_turn(harness);
    return answer;
}

/* --- keep-alive ----------------------------------------------------------- */

static void
keeps_connections(void **state)
{
    int fd = harness_connect(harness);

    (void)state;
    for (int i = 0; i < 5; i++) {
        const char *answer = exchange(fd, GET);

        assert_int_equal(count(answer, "HTTP/1.1 200 OK\r\n"), 1);
        assert_non_null(strstr(
            answer,
            "Connection: keep-alive\r\nKeep-Alive: timeout=9\r\n\r\nok"));
    }
    assert_int_equal(harness_open_count(harness), 1);
    assert_int_equal(harness_counter(harness, COH_GAUGE_WAITING), 1);
    assert_non_null(strstr(exchange(fd, CLOSE), "Connection: close\r\n\r\nok"));
    assert_true(harness_is_closed(harness, fd));
    assert_int_equal(harness_open_count(harness), 0);
    assert_int_equal(harness_counter(harness, COH_GAUGE_WAITING), 0);
    close(fd);
}

static void
decides_by_version_and_wish(void **state)
{
    static const struct {
        const char *text;
        bool is_kept;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive, x\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: x, close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, close\r\n\r\n",
         false},
        {"GET /once HTTP/1.1\r\nHost: a\r\n\r\n", false},
        {"POST / HTTP/1.1\r\nHost: a\r\nUser-Agent: x (MSIE 6.0)\r\n"
         "Content-Length: 0\r\n\r\n",
         false},
        {"GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: x (MSIE 6.0)\r\n\r\n", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int fd = harness_connect(harness);
        const char *answer = exchange(fd, cases[i].text);

        assert_int_equal(count(answer, " 200 OK"), 1);
        assert_int_equal(
            count(answer, "Connection: keep-alive\r\n"), cases[i].is_kept);
        assert_int_equal(
            count(answer, "Connection: close\r\n"), !cases[i].is_kept);
        assert_int_equal(harness_is_closed(harness, fd), !cases[i].is_kept);
        close(fd);
        harness_turn(harness);
    }
}

static void
ends_after_keepalive_requests(void **state)
{
    char text[60 * sizeof(GET)] = "";
    const char *answer;

    (void)state;
    for (int i = 0; i < 60; i++) {
        strcat(text, GET);
    }
    answer = once(text);
    assert_int_equal(count(answer, " 200 OK"), 50);
    assert_int_equal(count(answer, "Connection: close"), 1);
}

/* --- pipelines ------------------------------------------------------------ */

static const char pipeline[] =
    GET "POST /p HTTP/1.1\nHost: a\nContent-Length: 3\n\nabc"
        "\r\nGET /3 HTTP/1.1\r\nHost: b\r\n\r\n"
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3;x=y\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\nT: u\r\n\r\n"
        "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" CLOSE;

static void
assert_pipeline(const char *answer)
{
    assert_int_equal(count(answer, "HTTP/1.1 200 OK\r\n"), 6);
    assert_int_equal(count(answer, "\r\n\r\nok"), 4);
    assert_int_equal(count(answer, "\r\n\r\nfrom-b"), 1);
    assert_int_equal(count(answer, "Connection: close\r\n"), 1);
}

static void
serves_a_pipeline(void **state)
{
    (void)state;
    assert_pipeline(once(pipeline));
}

static void
serves_a_pipeline_split_anywhere(void **state)
{
    (void)state;
    for (size_t at = 1; at < sizeof(pipeline) - 1; at++) {
        int fd = harness_connect(harness);
        char answer[8192];

        strcpy(answer, harness_exchange(harness, fd, pipeline, at));
        strcat(
            answer,
            harness_exchange(
                harness, fd, pipeline + at, sizeof(pipeline) - 1 - at));
        assert_pipeline(answer);
        close(fd);
    }
}

static void
serves_a_pipeline_byte_by_byte(void **state)
{
    int fd = harness_connect(harness);
    char answer[8192] = "";

    (void)state;
    for (size_t at = 0; at < sizeof(pipeline) - 1; at++) {
        strcat(answer, harness_exchange(harness, fd, pipeline + at, 1));
    }
    assert_pipeline(answer);
    close(fd);
}

static void
drops_what_follows_a_close(void **state)
{
    (void)state;
    assert_int_equal(count(once(CLOSE GET GET), "HTTP/1.1"), 1);
}

/* --- bodies that nobody wants --------------------------------------------- */

static void
drops_a_body_and_goes_on(void **state)
{
    static char body[300000];
    int fd = harness_connect(harness);

    (void)state;
    assert_non_null(strstr(
        exchange(
            fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n"),
        "Connection: keep-alive"));
    assert_string_equal(harness_exchange(harness, fd, body, sizeof(body)), "");
    assert_int_equal(count(exchange(fd, GET), " 200 OK"), 1);
    close(fd);
}

static void
answers_bad_chunks_with_400(void **state)
{
    const char *answer =
        once("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
             "3\r\nabcd\r\n0\r\n\r\n" GET);

    (void)state;
    assert_int_equal(count(answer, "HTTP/1.1 400 Bad Request"), 1);
    assert_int_equal(count(answer, "HTTP/1.1"), 1);
    assert_int_equal(count(answer, "Connection: close"), 1);
}

static void
closes_on_bad_chunks_behind_an_answer(void **state)
{
    int fd = harness_connect(harness);
    const char *answer = exchange(
        fd, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");

    (void)state;
    assert_int_equal(count(answer, " 200 OK"), 1);
    assert_string_equal(exchange(fd, "3\r\nabcd\r\n0\r\n\r\n" GET), "");
    shutdown(fd, SHUT_WR);
    assert_true(harness_is_closed(harness, fd));
    close(fd);
}

static void
closes_when_a_body_ends_early(void **state)
{
    int fd = harness_connect(harness);

    (void)state;
    exchange(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
    shutdown(fd, SHUT_WR);
    assert_true(harness_is_closed(harness, fd));
    close(fd);
}

static void
promises_no_next_behind_a_large_body(void **state)
{
    const char *answer =
        once("POST /large HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000"
             "\r\n\r\n");

    (void)state;
    assert_non_null(strstr(answer, " 200 OK"));
    assert_non_null(strstr(answer, "Connection: close"));
}

static void
sends_no_continue_for_what_it_drops(void **state)
{
    const char *answer = once("POST / HTTP/1.1\r\nHost: a\r\n"
                              "Expect: 100-continue\r\n"
                              "Content-Length: 3\r\n\r\n");

    (void)state;
    assert_int_equal(count(answer, "HTTP/1.1"), 1);
    assert_non_null(strstr(answer, " 200 OK"));
    assert_non_null(strstr(answer, "Connection: close"));
}

/* --- servers and their limits --------------------------------------------- */

static void
takes_the_limits_of_the_named_server(void **state)
{
    char text[8192];
    char *at = text + sprintf(text, "GET / HTTP/1.1\r\nHost: b\r\nX: ");

    (void)state;
    memset(at, 'a', 5000);
    strcpy(at + 5000, "\r\n\r\n");
    for (size_t split = 10; split < strlen(text); split += 700) {
        int fd = harness_connect(harness);
        char answer[1024];

        strcpy(answer, harness_exchange(harness, fd, text, split));
        strcat(answer, exchange(fd, text + split));
        assert_non_null(strstr(answer, "from-b"));
        close(fd);
    }
    memcpy(strstr(text, "Host: b"), "Host: a", 7);
    assert_non_null(strstr(once(text), "HTTP/1.1 400"));
}

/* The answer to a text that comes in pieces. */
static const char *
exchange_pieces(const char *text, size_t piece)
{
    int fd = harness_connect(harness);
    size_t size = strlen(text);
    const char *answer = "";

    for (size_t at = 0; at < size && answer[0] == '\0'; at += piece) {
        answer = harness_exchange(
            harness, fd, text + at, size - at < piece ? size - at : piece);
    }
    close(fd);
    harness_turn(harness);
    return answer;
}

static void
takes_its_limits_whatever_the_pieces(void **state)
{
    static const char *const hosts[] = {"b", "B", "B:81"};
    static const size_t pieces[] = {100, 701, 3000, 6000};
    char text[8192];
    char *at;

    (void)state;
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        /* Larger than the default server takes, in few lines. */
        at =
            text + sprintf(text, "GET / HTTP/1.1\r\nHost: %s\r\nX: ", hosts[i]);
        memset(at, 'a', 5000);
        strcpy(at + 5000, "\r\nY: z\r\n\r\n");
        for (size_t j = 0; j < sizeof(pieces) / sizeof(pieces[0]); j++) {
            assert_non_null(strstr(exchange_pieces(text, pieces[j]), "from-b"));
        }
        /* Of others it is still too large. */
        memcpy(strstr(text, "Host: "), "Hose: ", 6);
        for (size_t j = 0; j < sizeof(pieces) / sizeof(pieces[0]); j++) {
            assert_non_null(
                strstr(exchange_pieces(text, pieces[j]), "HTTP/1.1 400"));
        }
    }
}

static void
says_what_is_too_long_whatever_the_pieces(void **state)
{
    static const size_t pieces[] = {100, 701, 3000, 6000};
    char text[8192] = "GET /";

    (void)state;
    memset(text + 5, 'a', 6000);
    strcpy(text + 6005, " HTTP/1.1\r\nHost: a\r\n\r\n");
    for (size_t j = 0; j < sizeof(pieces) / sizeof(pieces[0]); j++) {
        assert_non_null(
            strstr(exchange_pieces(text, pieces[j]), "HTTP/1.1 414"));
    }
}

static void
takes_the_host_of_the_target(void **state)
{
    (void)state;
    assert_non_null(
        strstr(once("GET http://B./ HTTP/1.1\r\nHost: a\r\n\r\n"), "from-b"));
    assert_non_null(
        strstr(once("GET / HTTP/1.1\r\nHost: B:81\r\n\r\n"), "from-b"));
}

/* --- the frame ------------------------------------------------------------ */

static int
begin(void **state)
{
    (void)state;
    harness = harness_new(configuration);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    harness_free(harness);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keeps_connections),
        TEST(decides_by_version_and_wish),
        TEST(ends_after_keepalive_requests),
        TEST(serves_a_pipeline),
        TEST(serves_a_pipeline_split_anywhere),
        TEST(serves_a_pipeline_byte_by_byte),
        TEST(drops_what_follows_a_close),
        TEST(drops_a_body_and_goes_on),
        TEST(answers_bad_chunks_with_400),
        TEST(closes_on_bad_chunks_behind_an_answer),
        TEST(closes_when_a_body_ends_early),
        TEST(promises_no_next_behind_a_large_body),
        TEST(sends_no_continue_for_what_it_drops),
        TEST(takes_the_limits_of_the_named_server),
        TEST(takes_its_limits_whatever_the_pieces),
        TEST(says_what_is_too_long_whatever_the_pieces),
        TEST(takes_the_host_of_the_target),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
