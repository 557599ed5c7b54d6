/* Connections that end: when, how, and for whom. */
#include "tests/core/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/http/harness.h"

#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

static const char configuration[] =
    "access_log off; keepalive_timeout 10s 9s; client_header_timeout 5s;"
    " client_body_timeout 4s; send_timeout 3s; lingering_time 8s;"
    " lingering_timeout 2s; keepalive_requests 50; keepalive_min_timeout 1s;"
    " server { listen 127.0.0.1:8000; server_name a; large_client_header_buffers"
    " 4 1k; client_max_body_size 1m;"
    " location / { return 200 ok; }"
    " location /close { return 444; }"
    " location /413 { return 413 text; }"
    " location /413/empty { return 413; }"
    " location /494 { return 494 text; }"
    " location /404 { return 404 text; }"
    " location /file { root /tmp; }"
    " location /last { root /tmp; keepalive_requests 1; } }"
    " server { listen 127.0.0.1:8000; server_name reset;"
    " reset_timedout_connection on; return 200 ok; }";

static struct harness *harness;

static const char *
exchange(int fd, const char *text)
{
    return harness_exchange(harness, fd, text, strlen(text));
}

/* --- time ----------------------------------------------------------------- */

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

/* --- lingering ------------------------------------------------------------ */

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

/* A status that ends connections does so whatever is said with it. */
static void
closes_behind_some_statuses(void **state)
{
    static const char *const paths[] = {"413", "413/empty", "494"};
    char text[128];
    int fd;

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        fd = harness_connect(harness);
        snprintf(
            text, sizeof(text), "GET /%s HTTP/1.1\r\nHost: a\r\n\r\n",
            paths[i]);
        assert_non_null(strstr(exchange(fd, text), "Connection: close"));
        shutdown(fd, SHUT_WR);
        assert_true(harness_is_closed(harness, fd));
        close(fd);
    }
    fd = harness_connect(harness);
    for (int i = 0; i < 2; i++) {
        assert_non_null(strstr(
            exchange(fd, "GET /404 HTTP/1.1\r\nHost: a\r\n\r\n"),
            "Connection: keep-alive"));
    }
    close(fd);
}

/* --- making room, leaving ------------------------------------------------- */

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

/* Not even a request that came a moment before. */
static void
reclaims_without_loss(void **state)
{
    int asking = harness_connect(harness);
    int beginning = harness_connect(harness);
    int idle = harness_connect(harness);
    int stays = harness_connect(harness);

    (void)state;
    exchange(asking, GET);
    exchange(beginning, GET);
    exchange(idle, GET);
    exchange(stays, GET);
    assert_int_equal(
        send(asking, GET, sizeof(GET) - 1, MSG_NOSIGNAL), sizeof(GET) - 1);
    assert_int_equal(send(beginning, GET, 20, MSG_NOSIGNAL), 20);
    assert_int_equal(coh_http_service.reclaim(harness_http(harness), 2), 2);
    assert_int_equal(harness_open_count(harness), 2);
    assert_non_null(strstr(exchange(asking, ""), "Connection: close"));
    assert_true(harness_is_closed(harness, idle));
    assert_false(harness_is_closed(harness, beginning));
    assert_non_null(strstr(exchange(beginning, &GET[20]), "Connection: close"));
    assert_true(harness_is_closed(harness, beginning));
    assert_non_null(strstr(exchange(stays, GET), "Connection: keep-alive"));
    close(asking);
    close(beginning);
    close(idle);
    close(stays);
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

/* --- slow readers --------------------------------------------------------- */

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

/* Reads all that comes, slowly enough for the worker to be ahead. Returns how
   much, or -1 if a reset has ended it. */
static ssize_t
read_whole(int fd)
{
    static char room[65536];
    ssize_t whole = 0;
    ssize_t got = 1;

    while (got != 0) {
        harness_turn(harness);
        got = recv(fd, room, sizeof(room), MSG_DONTWAIT);
        if (got < 0 && errno != EAGAIN) {
            return -1;
        }
        whole += got > 0 ? got : 0;
    }
    return whole;
}

#define PIPELINED_SIZE 20000000 /* more than any socket holds */

static void
make_file(const char *path)
{
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, PIPELINED_SIZE), 0);
    close(fd);
}

/* Another request behind the last that is answered, while that is written. */
static ssize_t
read_pipelined(const char *request, bool is_drained)
{
    int fd = harness_connect_tcp(harness);
    ssize_t whole;

    exchange(fd, GET);
    if (is_drained) {
        harness_drain(harness);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
        harness_turn(harness);
        assert_int_equal(harness_counter(harness, COH_GAUGE_WRITING), 1);
    }
    whole = read_whole(fd);
    close(fd);
    return whole;
}

static void
ends_a_response_that_others_are_pipelined_behind(void **state)
{
    (void)state;
    make_file("/tmp/last");
    assert_true(
        read_pipelined("GET /last HTTP/1.1\r\nHost: a\r\n\r\n", false) >
        PIPELINED_SIZE);
    unlink("/tmp/last");
    make_file("/tmp/file");
    assert_true(
        read_pipelined("GET /file HTTP/1.1\r\nHost: a\r\n\r\n", true) >
        PIPELINED_SIZE);
    unlink("/tmp/file");
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
        TEST(ends_silent_clients),
        TEST(ends_idle_clients),
        TEST(gives_a_head_one_deadline),
        TEST(resets_when_told_to),
        TEST(drops_a_body_in_bounded_time),
        TEST(lingers_behind_an_error),
        TEST(lingers_for_bounded_time),
        TEST(lingers_for_a_bounded_amount),
        TEST(closes_without_a_word),
        TEST(closes_behind_some_statuses),
        TEST(reclaims_the_longest_idle),
        TEST(reclaims_without_loss),
        TEST(drains),
        TEST(stops_reading_when_the_client_does),
        TEST(ends_clients_that_do_not_read),
        TEST(ends_a_response_that_others_are_pipelined_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
