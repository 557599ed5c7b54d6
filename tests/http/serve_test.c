/* Connections: what is kept, what is closed, when, and how. */
#include "tests/core/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/str.h"
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
    " location /close { return 444; }"
    " location /once { keepalive_timeout 0; return 200 ok; }"
    " location /large { client_max_body_size 0; return 200 ok; }"
    " location /file { root /tmp; } }"
    " server { listen 127.0.0.1:8000; server_name b;"
    " large_client_header_buffers 4 8k; return 200 from-b; }"
    " server { listen 127.0.0.1:8000; server_name reset;"
    " reset_timedout_connection on; return 200 ok; }";

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

/* --- keep-alive ------------------------------------------------------------ */

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

/* --- pipelines ------------------------------------------------------------- */

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

/* --- bodies that nobody wants ---------------------------------------------- */

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

/* --- servers and their limits ---------------------------------------------- */

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

static void
takes_the_host_of_the_target(void **state)
{
    (void)state;
    assert_non_null(
        strstr(once("GET http://B./ HTTP/1.1\r\nHost: a\r\n\r\n"), "from-b"));
    assert_non_null(
        strstr(once("GET / HTTP/1.1\r\nHost: B:81\r\n\r\n"), "from-b"));
}

/* --- time ------------------------------------------------------------------ */

static void
ends_silent_clients(void **state)
{
    int fd = harness_connect(harness);

    (void)state;
    harness_pass(harness, 4500);
    assert_false(harness_is_closed(harness, fd));
    harness_pass(harness, 1500);
    assert_true(harness_is_closed(harness, fd));
    assert_non_null(strstr(harness_log(harness), "timed out"));
    close(fd);
}

static void
ends_idle_clients(void **state)
{
    int fd = harness_connect(harness);

    (void)state;
    exchange(fd, GET);
    harness_pass(harness, 9000);
    assert_false(harness_is_closed(harness, fd));
    harness_pass(harness, 2000);
    assert_true(harness_is_closed(harness, fd));
    close(fd);
}

static void
gives_a_head_one_deadline(void **state)
{
    int fd = harness_connect(harness);
    const char *answer;

    (void)state;
    exchange(fd, GET "GET / HTTP/1.1\r\n");
    for (int i = 0; i < 4; i++) {
        harness_pass(harness, 1000);
        assert_string_equal(exchange(fd, "X: y\r\n"), "");
    }
    harness_pass(harness, 1500);
    answer = exchange(fd, "");
    assert_non_null(strstr(answer, "HTTP/1.1 408"));
    assert_non_null(strstr(answer, "Connection: close"));
    assert_non_null(strstr(harness_log(harness), "client timed out"));
    harness_pass(harness, 3000); /* lingering */
    assert_true(harness_is_closed(harness, fd));
    close(fd);
}

static void
resets_when_told_to(void **state)
{
    int fd = harness_connect(harness);

    (void)state;
    exchange(fd, "GET / HTTP/1.1\r\nHost: reset\r\n\r\nGET ");
    harness_pass(harness, 6000);
    assert_string_equal(exchange(fd, ""), "");
    assert_true(harness_is_closed(harness, fd));
    close(fd);
}

static void
drops_a_body_in_bounded_time(void **state)
{
    int fd = harness_connect(harness);

    (void)state;
    exchange(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n");
    for (int i = 0; i < 5; i++) {
        harness_pass(harness, 1500);
        exchange(fd, "x");
    }
    assert_false(harness_is_closed(harness, fd));
    harness_pass(harness, 2500);
    assert_true(harness_is_closed(harness, fd));
    close(fd);
}

/* --- lingering ------------------------------------------------------------- */

static void
lingers_behind_an_error(void **state)
{
    static char body[100000];
    int fd = harness_connect(harness);

    (void)state;
    assert_non_null(strstr(
        exchange(
            fd,
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n"),
        "HTTP/1.1 413"));
    for (int i = 0; i < 5; i++) {
        assert_int_equal(
            send(fd, body, 1000, MSG_NOSIGNAL | MSG_DONTWAIT), 1000);
        harness_turn(harness);
    }
    assert_int_equal(harness_open_count(harness), 1);
    shutdown(fd, SHUT_WR);
    assert_true(harness_is_closed(harness, fd));
    assert_int_equal(harness_open_count(harness), 0);
    close(fd);
}

static void
lingers_for_bounded_time(void **state)
{
    int fd = harness_connect(harness);

    (void)state;
    exchange(fd, "BAD\r\n\r\n");
    for (int i = 0; i < 5; i++) {
        harness_pass(harness, 1500);
        send(fd, "x", 1, MSG_NOSIGNAL);
        harness_turn(harness);
    }
    assert_int_equal(harness_open_count(harness), 1);
    harness_pass(harness, 2500);
    assert_int_equal(harness_open_count(harness), 0);
    close(fd);
}

static void
lingers_for_a_bounded_amount(void **state)
{
    static char body[65536];
    int fd = harness_connect(harness);
    size_t sent = 0;

    (void)state;
    exchange(fd, "BAD\r\n\r\n");
    while (harness_open_count(harness) > 0 && sent < (20u << 20)) {
        ssize_t part =
            send(fd, body, sizeof(body), MSG_NOSIGNAL | MSG_DONTWAIT);

        sent += part > 0 ? (size_t)part : 0;
        harness_turn(harness);
    }
    assert_true(sent >= (8u << 20) && sent < (10u << 20));
    close(fd);
}

static void
closes_without_a_word(void **state)
{
    int fd = harness_connect(harness);

    (void)state;
    assert_string_equal(
        exchange(fd, "GET /close HTTP/1.1\r\nHost: a\r\n\r\n"), "");
    assert_true(harness_is_closed(harness, fd));
    close(fd);
}

/* --- making room, leaving -------------------------------------------------- */

static void
reclaims_the_longest_idle(void **state)
{
    int fds[5];

    (void)state;
    for (int i = 0; i < 5; i++) {
        fds[i] = harness_connect(harness);
        if (i != 1) { /* has never been served: stays */
            exchange(fds[i], GET);
        }
    }
    TAILQ_FIRST(&harness_http(harness)->connections)->last_ms += 60000;
    assert_int_equal(coh_http_service.reclaim(harness_http(harness), 2), 2);
    assert_false(harness_is_closed(harness, fds[0]));
    assert_false(harness_is_closed(harness, fds[1]));
    assert_true(harness_is_closed(harness, fds[2]));
    assert_true(harness_is_closed(harness, fds[3]));
    assert_false(harness_is_closed(harness, fds[4]));
    assert_int_equal(coh_http_service.reclaim(harness_http(harness), 10), 2);
    for (int i = 0; i < 5; i++) {
        close(fds[i]);
    }
    harness_turn(harness);
    assert_int_equal(harness_open_count(harness), 0);
}

static void
drains(void **state)
{
    int idle = harness_connect(harness);
    int busy = harness_connect(harness);
    int late = harness_connect(harness);

    (void)state;
    exchange(idle, GET);
    exchange(busy, "GET / HTTP/1.1\r\n");
    exchange(late, GET);
    harness_drain(harness);
    assert_non_null(
        strstr(exchange(busy, "Host: a\r\n\r\n"), "Connection: close"));
    assert_true(harness_is_closed(harness, busy));
    harness_pass(harness, 900);
    assert_false(harness_is_closed(harness, idle));
    /* What was sent before the last look is served. */
    assert_int_equal(
        send(late, GET, sizeof(GET) - 1, MSG_NOSIGNAL), sizeof(GET) - 1);
    harness_pass(harness, 2000);
    assert_non_null(strstr(exchange(late, ""), "Connection: close"));
    assert_true(harness_is_closed(harness, idle));
    assert_true(harness_is_idle(harness));
    close(idle);
    close(busy);
    close(late);
}

/* --- slow readers ---------------------------------------------------------- */

static void
stops_reading_when_the_client_does(void **state)
{
    static char text[2000 * sizeof(GET)];
    char file[] = "/tmp/file";
    int fd = harness_connect(harness);
    size_t got = 0;
    char room[4096];
    ssize_t part;
    FILE *out = fopen(file, "w");
    int requests = 40;

    (void)state;
    for (int i = 0; i < 100000; i++) {
        fputs("0123456789", out);
    }
    fclose(out);
    for (int i = 0; i < requests; i++) {
        strcat(text, "GET /file HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    send(fd, text, strlen(text), MSG_NOSIGNAL);
    for (int i = 0; i < 50; i++) {
        harness_turn(harness);
    }
    assert_int_equal(harness_counter(harness, COH_GAUGE_WRITING), 1);
    for (int idle = 0; idle < 100;) {
        part = recv(fd, room, sizeof(room), MSG_DONTWAIT);
        if (part <= 0) {
            harness_turn(harness);
            idle++;
            continue;
        }
        idle = 0;
        got += (size_t)part;
    }
    assert_true(got > (size_t)requests * 1000000);
    assert_true(got < (size_t)requests * 1000500);
    assert_int_equal(harness_counter(harness, COH_GAUGE_WAITING), 1);
    close(fd);
    unlink(file);
}

static void
ends_clients_that_do_not_read(void **state)
{
    FILE *out = fopen("/tmp/file", "w");
    int fd = harness_connect(harness);

    (void)state;
    for (int i = 0; i < 500000; i++) {
        fputs("0123456789", out);
    }
    fclose(out);
    send(fd, "GET /file HTTP/1.1\r\nHost: a\r\n\r\n", 32, MSG_NOSIGNAL);
    harness_turn(harness);
    harness_turn(harness);
    harness_pass(harness, 2500);
    assert_int_equal(harness_open_count(harness), 1);
    harness_pass(harness, 1500);
    assert_int_equal(harness_open_count(harness), 0);
    assert_non_null(strstr(harness_log(harness), "timed out"));
    close(fd);
    unlink("/tmp/file");
}

/* --- the frame ------------------------------------------------------------- */

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
        TEST(takes_the_host_of_the_target),
        TEST(ends_silent_clients),
        TEST(ends_idle_clients),
        TEST(gives_a_head_one_deadline),
        TEST(resets_when_told_to),
        TEST(drops_a_body_in_bounded_time),
        TEST(lingers_behind_an_error),
        TEST(lingers_for_bounded_time),
        TEST(lingers_for_a_bounded_amount),
        TEST(closes_without_a_word),
        TEST(reclaims_the_longest_idle),
        TEST(drains),
        TEST(stops_reading_when_the_client_does),
        TEST(ends_clients_that_do_not_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
