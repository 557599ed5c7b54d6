/* Clients that drip: between two bytes there is time, but not for ever. */
#include "tests/core/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/modules/handler.h"
#include "tests/http/harness.h"

#define FILE_NAME "cohort-pace-test"

/* Far more than what the rate allows for in the time of the tests. */
#define FILE_SIZE 8000000000
#define MEMORY_SIZE 100000000

static struct harness *harness;

static int
on_data(
    struct cohort_request *request, const void *data, size_t size, void *user)
{
    (void)data;
    (void)user;
    return size > 0 ? COHORT_LATER : cohort_respond_text(request, 200, "all");
}

static int
read_body(struct cohort_request *request, void *user)
{
    return cohort_body_read(request, on_data, user);
}

static int
answer_from_memory(struct cohort_request *request, void *user)
{
    char *memory = calloc(1, MEMORY_SIZE);
    int verdict =
        cohort_respond(request, 200, "text/plain", memory, MEMORY_SIZE);

    (void)user;
    free(memory);
    return verdict;
}

static const struct coh_handler handlers[] = {
    {read_body, NULL}, {answer_from_memory, NULL}};

static int
begin(void **state)
{
    int fd = open("/tmp/" FILE_NAME, O_CREAT | O_TRUNC | O_WRONLY, 0600);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, FILE_SIZE), 0);
    close(fd);
    signal(SIGPIPE, SIG_IGN); /* as workers do: sendfile has no flag for it */
    coh_handlers_set(handlers, 2);
    harness =
        harness_new("access_log off; client_body_timeout 4s; send_timeout 4s;"
                    " lingering_timeout 1s;"
                    " server { listen 127.0.0.1:8000; root /tmp;"
                    " location /any { handler 0; }"
                    " location /paced { handler 0; client_body_min_rate 100; }"
                    " location /memory { handler 1; send_min_rate 1m; }"
                    " location = /" FILE_NAME " { send_min_rate 1m; } }");
    return harness == NULL;
}

static int
end(void **state)
{
    (void)state;
    harness_free(harness);
    coh_handlers_set(NULL, 0);
    unlink("/tmp/" FILE_NAME);
    return 0;
}

static int
post(const char *path)
{
    char text[128];
    int fd = harness_connect(harness);

    snprintf(
        text, sizeof(text),
        "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n", path);
    assert_string_equal(harness_exchange(harness, fd, text, strlen(text)), "");
    return fd;
}

/* A part each second, for so long; what has been answered until then. */
static const char *
drip(int fd, size_t size, unsigned seconds)
{
    static const char part[1000];
    const char *answer = "";

    while (seconds-- > 0 && answer[0] == '\0') {
        harness_pass(harness, 1000);
        answer = harness_exchange(harness, fd, part, size);
    }
    return answer;
}

static void
a_drip_is_enough_without_a_rate(void **state)
{
    int fd = post("/any");

    (void)state;
    assert_string_equal(drip(fd, 10, 20), "");
    close(fd);
    harness_turn(harness);
}

static void
a_drip_is_ended_by_the_rate(void **state)
{
    int fd = post("/paced");

    (void)state;
    assert_string_equal(drip(fd, 10, 3), "");
    assert_non_null(strstr(drip(fd, 10, 3), "HTTP/1.1 408"));
    assert_non_null(strstr(harness_log(harness), "sending a request's body"));
    close(fd);
    harness_turn(harness);
}

static void
who_keeps_the_rate_may_take_long(void **state)
{
    int fd = post("/paced");

    (void)state;
    assert_string_equal(drip(fd, 110, 40), "");
    assert_non_null(strstr(drip(fd, 1000, 1), "HTTP/1.1 200"));
    close(fd);
    harness_turn(harness);
}

/* Takes as much of a response each second. True: it was cut within so long. */
static bool
is_cut(int fd, size_t size, unsigned seconds)
{
    static char part[20000];

    while (seconds-- > 0 && harness_open_count(harness) > 0) {
        size_t got = 0;
        ssize_t more = 1;

        harness_pass(harness, 1000);
        while (got < size && more > 0) {
            more = recv(fd, part, sizeof(part), MSG_DONTWAIT);
            got += more > 0 ? (size_t)more : 0;
            harness_turn(harness);
        }
    }
    return harness_open_count(harness) == 0;
}

static int
get(const char *path)
{
    char text[128];
    int fd = harness_connect(harness);
    int size = snprintf(
        text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);

    assert_int_equal(send(fd, text, (size_t)size, MSG_DONTWAIT), size);
    harness_turn(harness);
    return fd;
}

static void
a_response_is_paced_too(void **state)
{
    static const char *const paths[] = {"/" FILE_NAME, "/memory"};

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        int fd = get(paths[i]);

        /* Never send_timeout without a byte, but not half the rate. */
        assert_false(is_cut(fd, 400000, 3));
        assert_true(is_cut(fd, 400000, 7));
        assert_non_null(strstr(harness_log(harness), "reading a response"));
        close(fd);
    }
}

static void
who_takes_enough_may_take_long(void **state)
{
    int fd = get("/" FILE_NAME);

    (void)state;
    assert_false(is_cut(fd, 1100000, 30));
    close(fd);
    harness_turn(harness);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_drip_is_enough_without_a_rate),
        cmocka_unit_test(a_drip_is_ended_by_the_rate),
        cmocka_unit_test(who_keeps_the_rate_may_take_long),
        cmocka_unit_test(a_response_is_paced_too),
        cmocka_unit_test(who_takes_enough_may_take_long),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
