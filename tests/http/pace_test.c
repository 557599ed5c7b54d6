/* Clients that drip: between two bytes there is time, but not for ever. */
#include "tests/core/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/modules/handler.h"
#include "tests/http/harness.h"

#define FILE_NAME "cohort-pace-test"

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

static const struct coh_handler handlers[] = {{read_body, NULL}};

static int
begin(void **state)
{
    int fd = open("/tmp/" FILE_NAME, O_CREAT | O_TRUNC | O_WRONLY, 0600);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 8000000), 0);
    close(fd);
    coh_handlers_set(handlers, 1);
    harness =
        harness_new("access_log off; client_body_timeout 4s; send_timeout 4s;"
                    " lingering_timeout 1s;"
                    " server { listen 127.0.0.1:8000; root /tmp;"
                    " location /any { handler 0; }"
                    " location /paced { handler 0; client_body_min_rate 100; }"
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

/* Takes a little of the file each second. True: it was cut within so long. */
static bool
is_cut(int fd, unsigned seconds)
{
    static char part[20000];
    ssize_t got = 1;

    while (seconds-- > 0 && got > 0) {
        harness_pass(harness, 1000);
        got = recv(fd, part, sizeof(part), MSG_DONTWAIT);
        harness_turn(harness);
    }
    return harness_open_count(harness) == 0;
}

static void
a_response_is_paced_too(void **state)
{
    static const char request[] =
        "GET /" FILE_NAME " HTTP/1.1\r\nHost: a\r\n\r\n";
    int fd = harness_connect(harness);

    (void)state;
    assert_true(send(fd, request, sizeof(request) - 1, MSG_DONTWAIT) > 0);
    harness_turn(harness);
    assert_false(is_cut(fd, 3));
    assert_true(is_cut(fd, 20));
    assert_non_null(strstr(harness_log(harness), "reading a response"));
    close(fd);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_drip_is_enough_without_a_rate),
        cmocka_unit_test(a_drip_is_ended_by_the_rate),
        cmocka_unit_test(who_keeps_the_rate_may_take_long),
        cmocka_unit_test(a_response_is_paced_too),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
