/* What handlers in C may do: bodies, whole and streamed answers, later ones. */
#include "tests/core/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cohort/http.h>

#include "core/str.h"
#include "http/modules/handler.h"
#include "http/rendered.h"
#include "tests/http/harness.h"

static const char configuration[] =
    "access_log off; keepalive_requests 10000;"
    "server { listen 127.0.0.1:8000; client_max_body_size 1m;"
    " client_body_timeout 4s;"
    " location /show { handler 0; }   location /collect { handler 1; }"
    " location /stream { handler 2; } location /later { handler 3; }"
    " location /starve { handler 4; } location /fields { handler 5; }"
    " location /status { handler 6; } location /first { handler 7; }"
    " location /known { handler 8; }  location /big { handler 9; }"
    " error_page 418 /page; location /page { return 200 teapot; } }";

static struct harness *harness;
static struct cohort_request *waiting; /* left with COHORT_LATER */
static unsigned gone;                  /* deferred calls that have run */

static const char *
exchange(int fd, const char *text)
{
    return harness_exchange(harness, fd, text, strlen(text));
}

static void
on_gone(void *object)
{
    assert_ptr_equal(object, &gone);
    gone++;
    waiting = NULL;
}

/* --- handlers -------------------------------------------------------------- */

static int
show(struct cohort_request *request, void *user)
{
    char text[512];
    struct cohort_str method = cohort_request_method(request);
    struct cohort_str target = cohort_request_target(request);
    struct cohort_str path = cohort_request_path(request);
    struct cohort_str args = cohort_request_args(request);
    struct cohort_str host = cohort_request_host(request);
    struct cohort_str x = {"-", 1};

    assert_ptr_equal(user, &harness);
    cohort_request_header(request, "X-One", &x);
    snprintf(
        text, sizeof(text), "%.*s|%.*s|%.*s|%.*s|%.*s|%d|%s|%.*s",
        (int)method.size, method.data, (int)target.size, target.data,
        (int)path.size, path.data, (int)args.size, args.data, (int)host.size,
        host.data, cohort_request_version(request),
        cohort_request_peer(request), (int)x.size, x.data);
    return cohort_respond_text(request, 200, text);
}

struct collected {
    size_t size;
    unsigned parts;
    char data[200000];
};

static int
on_data(
    struct cohort_request *request, const void *data, size_t size, void *user)
{
    struct collected *collected = user;

    if (size == 0) {
        return cohort_respond(
            request, 200, "text/plain", collected->data, collected->size);
    }
    memcpy(collected->data + collected->size, data, size);
    collected->size += size;
    collected->parts++;
    return COHORT_LATER;
}

static int
collect(struct cohort_request *request, void *user)
{
    (void)user;
    cohort_request_defer(request, on_gone, &gone);
    return cohort_body_read(
        request, on_data,
        cohort_request_alloc(request, sizeof(struct collected)));
}

struct stream {
    size_t left;
    size_t part;
};

static int
on_writable(struct cohort_request *request, size_t room, void *user)
{
    struct stream *stream = user;
    size_t size = stream->left < stream->part ? stream->left : stream->part;
    static const char data[40000] = "begin";

    assert_int_equal(cohort_write(request, data, room + 1), -EMSGSIZE);
    size = size < room ? size : room;
    assert_int_equal(cohort_write(request, data, size), 0);
    stream->left -= size;
    return stream->left == 0 ? COHORT_DONE : COHORT_LATER;
}

/* "/stream?SIZE,PART,LENGTH" */
static int
stream(struct cohort_request *request, void *user)
{
    struct stream *object = cohort_request_alloc(request, sizeof(*object));
    long length = -1;

    (void)user;
    sscanf(
        cohort_request_args(request).data, "%zu,%zu,%ld", &object->left,
        &object->part, &length);
    cohort_request_defer(request, on_gone, &gone);
    return cohort_respond_stream(
        request, 200, "text/plain", length, on_writable, object);
}

static int
later(struct cohort_request *request, void *user)
{
    (void)user;
    waiting = request;
    cohort_request_defer(request, on_gone, &gone);
    return COHORT_LATER;
}

static unsigned asked;

static int
starving(struct cohort_request *request, size_t room, void *user)
{
    (void)room;
    (void)user;
    waiting = request;
    asked++;
    if (asked == 1) {
        return COHORT_LATER;
    }
    cohort_write(request, "x", 1);
    return asked == 4 ? COHORT_DONE : COHORT_LATER;
}

static int
starve(struct cohort_request *request, void *user)
{
    (void)user;
    asked = 0;
    cohort_request_defer(request, on_gone, &gone);
    return cohort_respond_stream(request, 200, NULL, -1, starving, NULL);
}

#define HEADER(name, value)                                                    \
    cohort_response_header(request, COH_STR(name), COH_STR(value))

static int
fields(struct cohort_request *request, void *user)
{
    (void)user;
    assert_int_equal(HEADER("X-A", "1"), 0);
    assert_int_equal(HEADER("x-b", ""), 0);
    assert_int_equal(HEADER("", "1"), -EINVAL);
    assert_int_equal(HEADER("a b", "1"), -EINVAL);
    assert_int_equal(HEADER("a", "1\r\nb: 2"), -EINVAL);
    assert_int_equal(HEADER("a", "1\n"), -EINVAL);
    assert_int_equal(HEADER("a", "1\0"), -EINVAL);
    assert_int_equal(HEADER("Connection", "close"), -EPERM);
    assert_int_equal(HEADER("content-LENGTH", "1"), -EPERM);
    assert_int_equal(HEADER("Transfer-Encoding", "chunked"), -EPERM);
    assert_int_equal(HEADER("Content-Type", "text/x"), 0);
    for (int i = 0; i < 98; i++) {
        assert_int_equal(HEADER("X-Many", "y"), 0);
    }
    assert_int_equal(HEADER("X-Many", "y"), -E2BIG);
    assert_int_equal(cohort_respond_text(request, 200, "ok"), COHORT_DONE);
    assert_int_equal(HEADER("X-Late", "1"), -EALREADY);
    return COHORT_DONE;
}

static int
status(struct cohort_request *request, void *user)
{
    (void)user;
    return atoi(cohort_request_args(request).data);
}

static int
on_first(
    struct cohort_request *request, const void *data, size_t size, void *user)
{
    (void)user;
    assert_true(size > 0);
    return cohort_respond(request, 200, "text/plain", data, 1);
}

/* Answers as soon as the first part of the body is there. */
static int
first(struct cohort_request *request, void *user)
{
    return cohort_body_read(request, on_first, user);
}

/* Promises six bytes and gives what it is told to. */
static int
on_known(struct cohort_request *request, size_t room, void *user)
{
    (void)user;
    assert_int_equal(room, 6);
    cohort_write(request, "abc", 3);
    return cohort_request_args(request).data[0] == 'd' ? COHORT_DONE : 500;
}

static int
known(struct cohort_request *request, void *user)
{
    (void)user;
    return cohort_respond_stream(request, 200, NULL, 6, on_known, NULL);
}

static int
big(struct cohort_request *request, void *user)
{
    static char data[3000000];

    (void)user;
    memset(data, 'b', sizeof(data));
    return cohort_respond(request, 200, NULL, data, sizeof(data));
}

static const struct coh_handler handlers[] = {
    {show, &harness}, {collect, NULL}, {stream, NULL}, {later, NULL},
    {starve, NULL},   {fields, NULL},  {status, NULL}, {first, NULL},
    {known, NULL},    {big, NULL}};

/* --- requests -------------------------------------------------------------- */

static void
shows_the_request(void **state)
{
    int fd = harness_connect_tcp(harness);

    (void)state;
    assert_non_null(strstr(
        exchange(
            fd,
            "PUT /show/./%61?b=%20c HTTP/1.1\r\nHost: EX.com.:80\r\n"
            "x-one:  1 2 \r\n\r\n"),
        "\r\n\r\nPUT|/show/./%61?b=%20c|/show/a|b=%20c|ex.com|11|127.0.0.1|1"
        " 2"));
    close(fd);
    fd = harness_connect(harness);
    assert_non_null(strstr(
        exchange(fd, "GET /show HTTP/1.0\r\n\r\n"),
        "\r\n\r\nGET|/show|/show|||10|unix:|-"));
    close(fd);
}

/* --- bodies ---------------------------------------------------------------- */

static void
collects_bodies(void **state)
{
    int fd = harness_connect(harness);

    (void)state;
    assert_non_null(strstr(
        exchange(
            fd,
            "POST /collect HTTP/1.1\r\nHost: a\r\n"
            "Content-Length: 5\r\n\r\nhello"),
        "Content-Length: 5\r\n"));
    assert_non_null(strstr(
        exchange(
            fd,
            "POST /collect HTTP/1.1\r\nHost: a\r\n"
            "Transfer-Encoding: chunked\r\n\r\n"
            "3\r\nabc\r\n2;a=b\r\nde\r\n0\r\nX: y\r\n\r\n"),
        "\r\n\r\nabcde"));
    assert_non_null(strstr(
        exchange(fd, "GET /collect HTTP/1.1\r\nHost: a\r\n\r\n"),
        "Content-Length: 0\r\n"));
    assert_int_equal(gone, 3);
    close(fd);
}

static void
collects_bodies_split_anywhere(void **state)
{
    static const char text[] =
        "POST /collect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
        "\r\n3\r\nabc\r\n2;a=b\r\nde\r\n0\r\nX: y\r\n\r\n"
        "POST /collect HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nxyz"
        "GET /show HTTP/1.1\r\nHost: a\r\n\r\n";

    (void)state;
    for (size_t at = 1; at < sizeof(text) - 1; at++) {
        int fd = harness_connect(harness);
        char answer[4096];

        strcpy(answer, harness_exchange(harness, fd, text, at));
        strcat(answer, exchange(fd, text + at));
        assert_non_null(strstr(answer, "\r\n\r\nabcdeHTTP/1.1 200"));
        assert_non_null(strstr(answer, "\r\n\r\nxyzHTTP/1.1 200"));
        assert_non_null(strstr(answer, "GET|/show|"));
        close(fd);
    }
}

static void
collects_a_large_body(void **state)
{
    static char text[200000];
    size_t head = (size_t)sprintf(
        text,
        "POST /collect HTTP/1.1\r\nHost: a\r\nContent-Length: 150000\r\n\r\n");
    int fd = harness_connect(harness);
    const char *answer;

    (void)state;
    memset(text + head, 'x', 150000);
    answer = harness_exchange(harness, fd, text, head + 150000);
    assert_non_null(strstr(answer, "Content-Length: 150000\r\n"));
    assert_int_equal(strlen(strstr(answer, "\r\n\r\n") + 4), 150000);
    close(fd);
}

static void
says_continue_when_asked_for_the_body(void **state)
{
    int fd = harness_connect(harness);

    (void)state;
    assert_string_equal(
        exchange(
            fd,
            "POST /collect HTTP/1.1\r\nHost: a\r\n"
            "Expect: 100-Continue\r\nContent-Length: 2\r\n\r\n"),
        "HTTP/1.1 100 Continue\r\n\r\n");
    assert_non_null(strstr(exchange(fd, "hi"), "HTTP/1.1 200 OK"));
    assert_null(strstr(
        exchange(
            fd,
            "POST /collect HTTP/1.1\r\nHost: a\r\n"
            "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nhi"),
        "HTTP/1.1 100"));
    assert_null(strstr(
        exchange(
            fd,
            "POST /collect HTTP/1.0\r\n"
            "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"),
        "HTTP/1.1 100"));
    close(fd);
}

static void
bounds_bodies(void **state)
{
    static char text[1200000];
    int fd = harness_connect(harness);
    const char *answer;

    (void)state;
    exchange(
        fd,
        "POST /first HTTP/1.1\r\nHost: a\r\n"
        "Transfer-Encoding: chunked\r\n\r\n");
    sprintf(text, "120000\r\n");
    memset(text + 8, 'x', 0x120000);
    answer = harness_exchange(harness, fd, text, 8 + 0x120000);
    assert_non_null(strstr(answer, "HTTP/1.1 200"));
    shutdown(fd, SHUT_WR);
    assert_true(harness_is_closed(harness, fd));
    close(fd);
    fd = harness_connect(harness);
    exchange(
        fd,
        "POST /collect HTTP/1.1\r\nHost: a\r\n"
        "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 2; i++) {
        answer = exchange(fd, "1\r\nx\r\n");
        assert_string_equal(answer, "");
    }
    answer = exchange(fd, "zz\r\n");
    assert_non_null(strstr(answer, "HTTP/1.1 400"));
    assert_non_null(strstr(answer, "Connection: close"));
    close(fd);
}

static void
times_bodies_out(void **state)
{
    int fd = harness_connect(harness);
    const char *answer;

    (void)state;
    exchange(
        fd,
        "POST /collect HTTP/1.1\r\nHost: a\r\n"
        "Content-Length: 10\r\n\r\nabc");
    harness_pass(harness, 3000);
    assert_string_equal(exchange(fd, "d"), "");
    harness_pass(harness, 3000);
    assert_string_equal(exchange(fd, "e"), "");
    harness_pass(harness, 5000);
    answer = exchange(fd, "");
    assert_non_null(strstr(answer, "HTTP/1.1 408"));
    assert_int_equal(gone, 1);
    close(fd);
}

static void
tells_of_a_client_that_goes_while_sending(void **state)
{
    int fd = harness_connect(harness);

    (void)state;
    exchange(
        fd,
        "POST /collect HTTP/1.1\r\nHost: a\r\n"
        "Content-Length: 10\r\n\r\nabc");
    assert_int_equal(gone, 0);
    close(fd);
    harness_turn(harness);
    assert_int_equal(gone, 1);
    assert_int_equal(harness_open_count(harness), 0);
}

static void
answers_before_the_body_is_there(void **state)
{
    int fd = harness_connect(harness);

    (void)state;
    assert_non_null(strstr(
        exchange(
            fd,
            "POST /first HTTP/1.1\r\nHost: a\r\n"
            "Content-Length: 10\r\n\r\nabc"),
        "\r\n\r\na"));
    assert_non_null(strstr(
        exchange(fd, "defghijGET /show HTTP/1.1\r\nHost: a\r\n\r\n"),
        "GET|/show"));
    close(fd);
}

/* --- streams --------------------------------------------------------------- */

static void
streams_in_chunks(void **state)
{
    int fd = harness_connect(harness);
    const char *answer =
        exchange(fd, "GET /stream?10,4 HTTP/1.1\r\nHost: a\r\n\r\n");

    (void)state;
    assert_non_null(strstr(answer, "Transfer-Encoding: chunked\r\n"));
    assert_null(strstr(answer, "Content-Length"));
    assert_non_null(strstr(answer, "\r\n\r\n4\r\nbegi\r\n4\r\nbegi\r\n2\r\n"));
    assert_int_equal(gone, 1);
    assert_non_null(strstr(
        exchange(fd, "HEAD /stream?10,4 HTTP/1.1\r\nHost: a\r\n\r\n"),
        "Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n"));
    close(fd);
}

static void
streams_to_the_end_in_1_0(void **state)
{
    int fd = harness_connect(harness);
    const char *answer = exchange(
        fd, "GET /stream?8,4 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");

    (void)state;
    assert_null(strstr(answer, "chunked"));
    assert_non_null(strstr(answer, "Connection: close\r\n\r\nbegibegi"));
    assert_true(harness_is_closed(harness, fd));
    close(fd);
}

static void
streams_a_known_length(void **state)
{
    int fd = harness_connect(harness);
    const char *answer =
        exchange(fd, "GET /stream?8,4,8 HTTP/1.1\r\nHost: a\r\n\r\n");

    (void)state;
    assert_non_null(strstr(answer, "Content-Length: 8\r\n"));
    assert_non_null(strstr(answer, "keep-alive\r\n\r\nbegibegi"));
    close(fd);
}

static void
streams_as_fast_as_the_client_reads(void **state)
{
    int fd = harness_connect(harness);
    static char room[100000];
    size_t got = 0;
    ssize_t part;

    (void)state;
    send(
        fd, "GET /stream?20000000,40000,20000000 HTTP/1.0\r\n\r\n", 48,
        MSG_NOSIGNAL);
    for (int i = 0; i < 20; i++) {
        harness_turn(harness);
    }
    assert_int_equal(gone, 0);
    assert_int_equal(harness_counter(harness, COH_GAUGE_WRITING), 1);
    for (;;) {
        part = recv(fd, room, sizeof(room), MSG_DONTWAIT);
        if (part == 0) {
            break;
        }
        got += part > 0 ? (size_t)part : 0;
        harness_turn(harness);
    }
    assert_true(got > 20000000 && got < 20000500);
    assert_int_equal(gone, 1);
    close(fd);
}

static void
cuts_what_is_incomplete(void **state)
{
    static const char *const texts[] = {
        "GET /known?done HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /known?error HTTP/1.1\r\nHost: a\r\n\r\n"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        int fd = harness_connect(harness);

        assert_non_null(strstr(exchange(fd, texts[i]), "\r\n\r\nabc"));
        assert_true(harness_is_closed(harness, fd));
        close(fd);
    }
}

static void
sends_a_large_answer_whole(void **state)
{
    int fd = harness_connect(harness);
    const char *answer = exchange(fd, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");

    (void)state;
    assert_int_equal(strlen(strstr(answer, "\r\n\r\n") + 4), 3000000);
    assert_non_null(strstr(
        exchange(fd, "GET /show HTTP/1.1\r\nHost: a\r\n\r\n"), "GET|/show"));
    close(fd);
}

/* --- later ----------------------------------------------------------------- */

static void
goes_on_later(void **state)
{
    int fd = harness_connect(harness);

    (void)state;
    assert_string_equal(
        exchange(
            fd,
            "GET /later HTTP/1.1\r\nHost: a\r\nX-One: 1\r\n\r\n"
            "GET /show HTTP/1.1\r\nHost: a\r\n\r\n"),
        "");
    assert_non_null(waiting);
    assert_true(coh_str_is(cohort_request_path(waiting), "/later"));
    cohort_respond_text(waiting, 200, "at last");
    cohort_resume(waiting, COHORT_DONE);
    assert_int_equal(gone, 0); /* queued, not inside the call */
    assert_non_null(strstr(exchange(fd, ""), "at lastHTTP/1.1 200 OK"));
    assert_int_equal(gone, 1);
    close(fd);
}

/* From a callback of his own: what a constant answer is copied to must not be
   somebody else's. */
static void
answers_later_with_a_constant(void **state)
{
    static const struct coh_rendered_parts parts = {
        .status = 200, .server = {"s", 1}, .body = {"constant", 8}};
    struct coh_arena *arena = coh_arena_new(1024);
    const struct coh_rendered *rendered = coh_rendered_new(arena, &parts);
    int fd = harness_connect(harness);

    (void)state;
    exchange(fd, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(coh_respond_rendered(waiting, rendered), COHORT_DONE);
    cohort_resume(waiting, COHORT_DONE);
    assert_non_null(strstr(exchange(fd, ""), "keep-alive\r\n\r\nconstant"));
    coh_arena_free(arena);
    close(fd);
}

static void
goes_on_with_a_status(void **state)
{
    int fd = harness_connect(harness);

    (void)state;
    exchange(fd, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    cohort_resume(waiting, 503);
    assert_non_null(strstr(exchange(fd, ""), "HTTP/1.1 503 "));
    close(fd);
}

static void
lets_go_when_the_client_does(void **state)
{
    int fd = harness_connect(harness);

    (void)state;
    exchange(fd, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    close(fd);
    harness_turn(harness);
    assert_int_equal(gone, 1);
    assert_null(waiting);
    assert_int_equal(harness_open_count(harness), 0);
}

static void
forgets_a_resume_of_a_client_that_went(void **state)
{
    int fd = harness_connect(harness);

    (void)state;
    exchange(fd, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    cohort_resume(waiting, 204);
    coh_connection_close(TAILQ_FIRST(&harness_http(harness)->connections));
    harness_turn(harness);
    assert_int_equal(gone, 1);
    close(fd);
}

static void
holds_what_a_waiting_client_pipelines(void **state)
{
    static char text[300000];
    int fd = harness_connect(harness);
    size_t count = 0;
    char *at = text;
    const char *answer;

    (void)state;
    exchange(fd, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    while (at < text + 120000) {
        at += sprintf(at, "GET /show?%zu HTTP/1.1\r\nHost: a\r\n\r\n", count++);
    }
    assert_string_equal(
        harness_exchange(harness, fd, text, (size_t)(at - text)), "");
    cohort_resume(waiting, 204);
    answer = exchange(fd, "");
    for (size_t i = 0; i < count && answer != NULL; i++) {
        sprintf(text, "\r\n\r\nGET|/show?%zu|", i);
        answer = strstr(answer, text);
    }
    assert_non_null(answer);
    close(fd);
}

static void
asks_a_starved_producer_again(void **state)
{
    int fd = harness_connect(harness);

    (void)state;
    exchange(fd, "GET /starve HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(asked, 1);
    cohort_resume(waiting, COHORT_PASS);
    assert_non_null(
        strstr(exchange(fd, ""), "1\r\nx\r\n1\r\nx\r\n1\r\nx\r\n0\r\n\r\n"));
    assert_int_equal(asked, 4);
    assert_int_equal(gone, 1);
    exchange(fd, "GET /starve HTTP/1.1\r\nHost: a\r\n\r\n");
    cohort_resume(waiting, 500);
    assert_true(harness_is_closed(harness, fd));
    close(fd);
}

/* --- heads and statuses ---------------------------------------------------- */

static void
checks_fields(void **state)
{
    int fd = harness_connect(harness);
    const char *answer =
        exchange(fd, "GET /fields HTTP/1.1\r\nHost: a\r\n\r\n");

    (void)state;
    assert_non_null(strstr(answer, "\r\nX-A: 1\r\nx-b: \r\nX-Many: y\r\n"));
    assert_non_null(strstr(answer, "Content-Type: text/x\r\n"));
    assert_null(strstr(answer, "text/plain"));
    assert_non_null(strstr(answer, "\r\n\r\nok"));
    close(fd);
}

static const char *
answer_of_status(int fd, const char *method, int code)
{
    char text[100];

    sprintf(text, "%s /status?%d HTTP/1.1\r\nHost: a\r\n\r\n", method, code);
    return exchange(fd, text);
}

/* COHORT_DONE is -2 in the arguments of "/status". */
static void
answers_for_handlers_that_lie(void **state)
{
    int fd = harness_connect(harness);

    (void)state;
    assert_non_null(
        strstr(answer_of_status(fd, "GET", COHORT_DONE), "HTTP/1.1 500 "));
    assert_non_null(strstr(harness_log(harness), "without an answer"));
    close(fd);
}

static void
ends_with_statuses(void **state)
{
    int fd = harness_connect(harness);
    const char *answer = answer_of_status(fd, "GET", 404);

    (void)state;
    assert_non_null(strstr(answer, "HTTP/1.1 404 Not Found\r\n"));
    assert_non_null(strstr(answer, "<title>404 Not Found</title>"));
    answer = answer_of_status(fd, "HEAD", 404);
    assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
    answer = answer_of_status(fd, "GET", 204);
    assert_non_null(strstr(answer, "HTTP/1.1 204 No Content\r\n"));
    assert_null(strstr(answer, "Content-Length"));
    answer = answer_of_status(fd, "GET", 304);
    assert_null(strstr(answer, "Content-"));
    assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
    answer = answer_of_status(fd, "GET", 418);
    assert_non_null(strstr(answer, "HTTP/1.1 418 I'm a teapot\r\n"));
    assert_non_null(strstr(answer, "\r\n\r\nteapot"));
    assert_int_equal(harness_counter(harness, COH_COUNT_4XX), 3);
    assert_int_equal(harness_counter(harness, COH_COUNT_2XX), 1);
    assert_int_equal(harness_counter(harness, COH_COUNT_REQUESTS), 5);
    assert_string_equal(answer_of_status(fd, "GET", 444), "");
    assert_true(harness_is_closed(harness, fd));
    close(fd);
}

/* --- the frame ------------------------------------------------------------- */

static int
begin(void **state)
{
    (void)state;
    gone = 0;
    waiting = NULL;
    coh_handlers_set(handlers, sizeof(handlers) / sizeof(handlers[0]));
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
        TEST(shows_the_request),
        TEST(collects_bodies),
        TEST(collects_bodies_split_anywhere),
        TEST(collects_a_large_body),
        TEST(says_continue_when_asked_for_the_body),
        TEST(bounds_bodies),
        TEST(times_bodies_out),
        TEST(tells_of_a_client_that_goes_while_sending),
        TEST(answers_before_the_body_is_there),
        TEST(streams_in_chunks),
        TEST(streams_to_the_end_in_1_0),
        TEST(streams_a_known_length),
        TEST(streams_as_fast_as_the_client_reads),
        TEST(cuts_what_is_incomplete),
        TEST(sends_a_large_answer_whole),
        TEST(goes_on_later),
        TEST(answers_later_with_a_constant),
        TEST(goes_on_with_a_status),
        TEST(lets_go_when_the_client_does),
        TEST(forgets_a_resume_of_a_client_that_went),
        TEST(holds_what_a_waiting_client_pipelines),
        TEST(asks_a_starved_producer_again),
        TEST(checks_fields),
        TEST(answers_for_handlers_that_lie),
        TEST(ends_with_statuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
