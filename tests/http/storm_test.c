/* Many clients that do anything at any time: nothing is lost, leaked or
   stuck. */
#include "tests/core/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cohort/http.h>

#include "core/str.h"
#include "http/modules/handler.h"
#include "http/request.h"
#include "tests/http/harness.h"

#define CLIENT_COUNT 40
#define STEP_COUNT 20000
#define WAITING_MAX 64

static const char configuration[] =
    "access_log off; keepalive_timeout 9s; client_header_timeout 5s;"
    " client_body_timeout 4s; send_timeout 3s; lingering_time 8s;"
    " lingering_timeout 2s; keepalive_requests 30; keepalive_min_timeout 1s;"
    " server { listen 127.0.0.1:8000; client_max_body_size 100k;"
    " location / { return 200 ok; }    location /later { handler 0; }"
    " location /echo { handler 1; }    location /stream { handler 2; }"
    " location /close { return 444; }  location /reset {"
    " reset_timedout_connection on; return 200 ok; } }";

static const char *const texts[] = {
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1\nHost: a\nX: y\n\n",
    "GET /reset HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\n",
    "HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "GET /later HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /close HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /missing%zz HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789",
    "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789",
    "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
    "Content-Length: 3\r\n\r\nabc",
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    "5\r\nhello\r\n0\r\nA: b\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    "3\r\nbad!\r\n0\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\nxxxxxx",
};

static struct harness *harness;
static struct cohort_request *waiting[WAITING_MAX];
static unsigned made;   /* requests that deferred a call */
static unsigned called; /* such calls that came */

/* Always the same storm. */
static unsigned
chance(unsigned count)
{
    static uint64_t state = 42;

    state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (unsigned)(state >> 33) % count;
}

/* --- handlers ------------------------------------------------------------- */

static void
forget(void *object)
{
    struct cohort_request **place = object;

    if (place != NULL) {
        *place = NULL;
    }
    called++;
}

static void
count_end(struct cohort_request *request, struct cohort_request **place)
{
    made++;
    cohort_request_defer(request, forget, place);
}

static int
later(struct cohort_request *request, void *user)
{
    (void)user;
    for (size_t i = 0; i < WAITING_MAX; i++) {
        if (waiting[i] == NULL) {
            waiting[i] = request;
            count_end(request, &waiting[i]);
            return COHORT_LATER;
        }
    }
    return 503;
}

static int
on_data(
    struct cohort_request *request, const void *data, size_t size, void *user)
{
    (void)user;
    return size < 3 ? COHORT_LATER
                    : cohort_respond(request, 200, NULL, data, size);
}

static int
echo(struct cohort_request *request, void *user)
{
    count_end(request, NULL);
    return cohort_body_read(request, on_data, user);
}

static int
on_writable(struct cohort_request *request, size_t room, void *user)
{
    static const char data[32768];
    unsigned *left = user;

    cohort_write(request, data, room < sizeof(data) ? room : sizeof(data));
    return --*left == 0 ? COHORT_DONE : COHORT_LATER;
}

static int
stream(struct cohort_request *request, void *user)
{
    unsigned *left = cohort_request_alloc(request, sizeof(*left));

    (void)user;
    *left = 1 + chance(40);
    count_end(request, NULL);
    return cohort_respond_stream(request, 200, NULL, -1, on_writable, left);
}

static const struct coh_handler handlers[] = {
    {later, NULL}, {echo, NULL}, {stream, NULL}};

/* --- the storm ------------------------------------------------------------ */

static void
send_something(int fd)
{
    const char *text = texts[chance(sizeof(texts) / sizeof(texts[0]))];
    size_t size = strlen(text);

    if (chance(4) == 0) {
        size = 1 + chance((unsigned)size);
    }
    send(fd, text, size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void
resume_one(void)
{
    struct cohort_request *request = waiting[chance(WAITING_MAX)];

    if (request == NULL) {
        return;
    }
    switch (chance(4)) {
    case 0:
        cohort_resume(request, 503);
        break;
    case 1:
        cohort_resume(request, 444);
        break;
    case 2:
        cohort_resume(request, COHORT_DONE); /* a lie, perhaps */
        break;
    default:
        if (request->response.stage == COH_RESPONSE_NONE) {
            cohort_respond_text(request, 200, "later");
        }
        cohort_resume(request, COHORT_DONE);
    }
}

static void
step(int *fd)
{
    static char room[100000];

    if (*fd < 0) {
        *fd = chance(2) == 0 ? harness_connect(harness)
                             : harness_connect_tcp(harness);
    }
    switch (chance(12)) {
    case 0:
        close(*fd);
        *fd = -1;
        break;
    case 1:
        shutdown(*fd, SHUT_WR);
        break;
    case 2:
        harness_pass(harness, chance(1500));
        break;
    case 3:
        resume_one();
        break;
    case 4:
    case 5:
        recv(*fd, room, 1 + chance(sizeof(room)), MSG_DONTWAIT);
        break;
    case 6:
        coh_http_service.reclaim(harness_http(harness), chance(3));
        break;
    default:
        send_something(*fd);
    }
}

static void
survives_a_storm(void **state)
{
    int fds[CLIENT_COUNT];

    (void)state;
    memset(fds, -1, sizeof(fds));
    for (int i = 0; i < STEP_COUNT; i++) {
        step(&fds[chance(CLIENT_COUNT)]);
        if (chance(3) == 0) {
            harness_turn(harness);
        }
    }
    assert_true(harness_counter(harness, COH_COUNT_REQUESTS) > 1000);
    for (int i = 0; i < CLIENT_COUNT; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
    harness_drain(harness);
    for (int i = 0; i < 30; i++) {
        harness_turn(harness);
        harness_pass(harness, 1000);
    }
    assert_int_equal(harness_open_count(harness), 0);
    assert_true(harness_is_idle(harness));
    assert_int_equal(made, called);
    assert_int_equal(harness_counter(harness, COH_GAUGE_READING), 0);
    assert_int_equal(harness_counter(harness, COH_GAUGE_WRITING), 0);
    assert_int_equal(harness_counter(harness, COH_GAUGE_WAITING), 0);
}

static int
begin(void **state)
{
    (void)state;
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(survives_a_storm, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
