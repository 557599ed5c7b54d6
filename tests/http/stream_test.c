/* Responses that are given piece by piece, and bodies that are read so: who is
   asked when, and who is not any more. */
#include "tests/core/test.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/modules/handler.h"
#include "tests/http/ask.h"

/* No test lets a producer be asked as often unless something is wrong. */
#define ASKS_MAX 10000

/* The request that was left for later last. */
static struct cohort_request *waiting;
static unsigned asks;  /* calls of on_writable */
static unsigned lates; /* calls of answer_later */
static unsigned parts; /* calls of count_part */

static struct harness *harness;

static const char *
exchange(int fd, const char *text)
{
    return harness_exchange(harness, fd, text, strlen(text));
}

/* --- handlers ------------------------------------------------------------- */

/* Nothing at first, then as much as there is room for, without end. */
static int
give_without_end(struct cohort_request *request, size_t room, void *user)
{
    static const char data[32768];

    (void)user;
    if (asks++ == 0) {
        waiting = request;
        return COHORT_LATER;
    }
    cohort_write(request, data, room < sizeof(data) ? room : sizeof(data));
    return asks < ASKS_MAX ? COHORT_LATER : 500;
}

/* user points at the length. */
static int
answer_without_end(struct cohort_request *request, void *user)
{
    return cohort_respond_stream(
        request, 200, NULL, *(const int64_t *)user, give_without_end, NULL);
}

/* Nothing, and wants to be asked again: it looks for something by itself. */
static int
poll_for_data(struct cohort_request *request, size_t room, void *user)
{
    (void)room;
    (void)user;
    if (++asks == ASKS_MAX) {
        return COHORT_DONE;
    }
    cohort_resume(request, COHORT_PASS);
    return COHORT_LATER;
}

static int
answer_by_polling(struct cohort_request *request, void *user)
{
    return cohort_respond_stream(request, 200, NULL, -1, poll_for_data, user);
}

static int
answer_at_once(struct cohort_request *request, void *user)
{
    return cohort_respond_text(request, 200, user);
}

static int64_t lengths[] = {-1, INT64_C(1) << 40};

static int
answer_later(struct cohort_request *request, void *user)
{
    (void)user;
    waiting = request;
    lates++;
    return COHORT_LATER;
}

static int
give_text(struct cohort_request *request, size_t room, void *user)
{
    assert_true(strlen(user) <= room);
    cohort_write(request, user, strlen(user));
    return COHORT_DONE;
}

/* What an echo has received and not yet given. */
static struct {
    char data[256];
    size_t size;
    bool is_complete;
} echoed;

static unsigned ends; /* requests that are over */

static void
count_end(void *object)
{
    (void)object;
    ends++;
}

static int
give_echoed(struct cohort_request *request, size_t room, void *user)
{
    (void)user;
    assert_true(echoed.size <= room);
    cohort_write(request, echoed.data, echoed.size);
    echoed.size = 0;
    return echoed.is_complete ? COHORT_DONE : COHORT_LATER;
}

static void
take_echoed(const void *data, size_t size)
{
    assert_true(echoed.size + size <= sizeof(echoed.data));
    if (size > 0) {
        memcpy(echoed.data + echoed.size, data, size);
    }
    echoed.size += size;
    echoed.is_complete = size == 0;
}

/* Begin to answer with the first part, and go on reading. */
static int
echo_part(
    struct cohort_request *request, const void *data, size_t size, void *user)
{
    bool *has_begun = user;

    take_echoed(data, size);
    if (*has_begun) {
        cohort_resume(request, COHORT_PASS);
        return COHORT_LATER;
    }
    *has_begun = true;
    (void)cohort_respond_stream(request, 200, NULL, -1, give_echoed, NULL);
    return COHORT_LATER;
}

static int
echo(struct cohort_request *request, void *user)
{
    (void)user;
    cohort_request_defer(request, count_end, NULL);
    return cohort_body_read(
        request, echo_part, cohort_request_alloc(request, sizeof(bool)));
}

/* The same, but the answer begins before the body. */
static int
echo_early(struct cohort_request *request, void *user)
{
    bool *has_begun = cohort_request_alloc(request, sizeof(bool));

    (void)user;
    *has_begun = true;
    (void)cohort_body_read(request, echo_part, has_begun);
    return cohort_respond_stream(request, 200, NULL, -1, give_echoed, NULL);
}

static int
count_part(
    struct cohort_request *request, const void *data, size_t size, void *user)
{
    (void)request;
    (void)data;
    (void)size;
    (void)user;
    parts++;
    return COHORT_LATER;
}

static int
count_parts(struct cohort_request *request, void *user)
{
    return cohort_body_read(request, count_part, user);
}

static char text[] = "text";

static const struct coh_handler handlers[] = {
    {answer_without_end, &lengths[0]},
    {answer_without_end, &lengths[1]},
    {answer_by_polling, NULL},
    {answer_at_once, text},
    {answer_later, NULL},
    {echo, NULL},
    {echo_early, NULL},
    {count_parts, NULL},
};

/* --- tests ---------------------------------------------------------------- */

static void
a_broken_connection_is_not_produced_for(void **state)
{
    static const char *const requests[] = {
        "GET /endless HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /terabyte HTTP/1.1\r\nHost: a\r\n\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        int fd = harness_connect(harness);

        asks = 0;
        expect_status(exchange(fd, requests[i]), 200);
        assert_int_equal(asks, 1);
        /* It goes unseen, as nothing is read before the producer is asked. */
        close(fd);
        cohort_resume(waiting, COHORT_PASS);
        harness_turn(harness);
        assert_in_range(asks, 2, 4);
        assert_int_equal(harness_open_count(harness), 0);
    }
}

/* One wait of the loop, and the callbacks of it. */
static void
one_turn(void)
{
    harness_loop(harness)->is_time_old = true;
    event_base_loop(harness_loop(harness)->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

static void
send_text(int fd, const char *bytes)
{
    assert_int_equal(
        send(fd, bytes, strlen(bytes), MSG_NOSIGNAL), strlen(bytes));
}

static void
who_resumes_without_end_lets_others_in(void **state)
{
    int polled = harness_connect(harness);
    int other = harness_connect(harness);
    char answer[1024];
    ssize_t got;

    (void)state;
    send_text(polled, "GET /polled HTTP/1.1\r\nHost: a\r\n\r\n");
    one_turn();
    assert_in_range(asks, 1, 2);
    send_text(other, "GET /text HTTP/1.1\r\nHost: a\r\n\r\n");
    one_turn();
    one_turn();
    assert_in_range(asks, 2, 6);
    got = recv(other, answer, sizeof(answer) - 1, MSG_DONTWAIT);
    assert_true(got > 0);
    answer[got] = '\0';
    assert_string_equal(body_of(answer), text);
    /* It is seen when the client goes, which ends the polling. */
    close(polled);
    one_turn();
    one_turn();
    assert_int_equal(harness_open_count(harness), 1);
    assert_in_range(asks, 2, 10);
    close(other);
}

static void
an_answer_may_begin_later(void **state)
{
    static const char *const ends_of[] = {"4\r\ntext\r\n0\r\n\r\n", text};
    static const int64_t lengths_of[] = {-1, 4};
    int fd = harness_connect(harness);

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const char *answer;

        assert_string_equal(
            exchange(fd, "GET /late HTTP/1.1\r\nHost: a\r\n\r\n"), "");
        cohort_resume(
            waiting,
            cohort_respond_stream(
                waiting, 200, NULL, lengths_of[i], give_text, text));
        answer = exchange(fd, "");
        expect_status(answer, 200);
        assert_string_equal(body_of(answer), ends_of[i]);
    }
    close(fd);
}

static void
an_answer_may_begin_while_the_body_is_read(void **state)
{
    int fd = harness_connect(harness);
    const char *answer = exchange(
        fd,
        "POST /echo HTTP/1.1\r\nHost: a\r\n"
        "Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n");

    (void)state;
    expect_status(answer, 200);
    assert_string_equal(body_of(answer), "3\r\none\r\n");
    assert_string_equal(exchange(fd, "3\r\ntwo\r\n"), "3\r\ntwo\r\n");
    assert_string_equal(
        exchange(fd, "5\r\nthree\r\n0\r\n\r\n"), "5\r\nthree\r\n0\r\n\r\n");
    assert_int_equal(ends, 1);
    answer = exchange(fd, "GET /text HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_string_equal(body_of(answer), text);
    close(fd);
}

/* Nobody gets "100 Continue" in the middle of a response. */
static void
an_answer_may_begin_before_the_body(void **state)
{
    int fd = harness_connect(harness);
    const char *answer = exchange(
        fd,
        "POST /early HTTP/1.1\r\nHost: a\r\n"
        "Content-Length: 6\r\nExpect: 100-continue\r\n\r\n");

    (void)state;
    expect_status(answer, 200);
    assert_string_equal(body_of(answer), "");
    assert_string_equal(exchange(fd, "onetwo"), "6\r\nonetwo\r\n0\r\n\r\n");
    close(fd);
}

static void
an_answer_is_cut_when_the_body_does_not_come(void **state)
{
    int fd = harness_connect(harness);

    (void)state;
    expect_status(
        exchange(
            fd,
            "POST /echo HTTP/1.1\r\nHost: a\r\n"
            "Content-Length: 6\r\n\r\none"),
        200);
    harness_pass(harness, 3000);
    assert_int_equal(ends, 0);
    harness_pass(harness, 1500);
    assert_int_equal(ends, 1);
    assert_true(harness_is_closed(harness, fd));
    close(fd);
}

static void
an_answer_is_cut_when_the_body_is_broken(void **state)
{
    int fd = harness_connect(harness);

    (void)state;
    expect_status(
        exchange(
            fd,
            "POST /echo HTTP/1.1\r\nHost: a\r\n"
            "Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n"),
        200);
    assert_string_equal(exchange(fd, "x\r\n"), "");
    assert_int_equal(ends, 1);
    assert_true(harness_is_closed(harness, fd));
    close(fd);
}

static void
a_body_that_did_not_come_is_not_read_on(void **state)
{
    int fd = harness_connect(harness);
    const char *answer;

    (void)state;
    assert_string_equal(
        exchange(
            fd,
            "POST /parts HTTP/1.1\r\nHost: a\r\n"
            "Content-Length: 9\r\n\r\none"),
        "");
    assert_int_equal(parts, 1);
    harness_pass(harness, 4500);
    assert_int_equal(lates, 1);
    assert_string_equal(exchange(fd, "two"), "");
    assert_int_equal(parts, 1);
    /* Nor waited for: its page is not run anew. */
    harness_pass(harness, 4500);
    assert_int_equal(lates, 1);
    cohort_resume(waiting, cohort_respond_text(waiting, 200, text));
    answer = exchange(fd, "");
    expect_status(answer, 408);
    assert_string_equal(body_of(answer), text);
    close(fd);
}

/* --- the frame ------------------------------------------------------------ */

static int
begin(void **state)
{
    (void)state;
    asks = 0;
    lates = 0;
    parts = 0;
    ends = 0;
    waiting = NULL;
    memset(&echoed, 0, sizeof(echoed));
    coh_handlers_set(handlers, sizeof(handlers) / sizeof(handlers[0]));
    harness = harness_new(
        "access_log off; client_body_timeout 4s;"
        "server { listen 127.0.0.1:8000;"
        " location /endless { handler 0; }"
        " location /terabyte { handler 1; }"
        " location /polled { handler 2; }"
        " location /text { handler 3; } location /late { handler 4; }"
        " location /echo { handler 5; } location /early { handler 6; }"
        " location /parts { error_page 408 /late; handler 7; } }");
    return 0;
}

static int
end(void **state)
{
    (void)state;
    harness_free(harness);
    coh_handlers_set(NULL, 0);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_broken_connection_is_not_produced_for),
        TEST(who_resumes_without_end_lets_others_in),
        TEST(an_answer_may_begin_later),
        TEST(an_answer_may_begin_while_the_body_is_read),
        TEST(an_answer_may_begin_before_the_body),
        TEST(an_answer_is_cut_when_the_body_does_not_come),
        TEST(an_answer_is_cut_when_the_body_is_broken),
        TEST(a_body_that_did_not_come_is_not_read_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
