/* Files that lines go to, when they take no more. */
#include "tests/core/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/str.h"
#include "http/log_sink.h"
#include "tests/http/ask.h"

/* A harness whose access log is a pipe that nobody reads. */
static struct harness *
new_harness(int fds[2])
{
    char text[512];

    assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    fcntl(fds[1], F_SETPIPE_SZ, 4096);
    snprintf(
        text, sizeof(text),
        "log_format long \"$uri$uri$uri$uri\";"
        "access_log /log long buffer=4k flush=10m;"
        "server { listen 127.0.0.1:8123; location / { return 200 x; } }");
    return harness_new(text);
}

static void
fill(struct harness *harness, int count)
{
    char target[400] = "/";

    memset(target + 1, 'a', sizeof(target) - 2);
    for (int i = 0; i < count; i++) {
        expect_status(ask(harness, target, ""), 200);
    }
}

static size_t
drain(int fd)
{
    char room[65536];
    size_t size = 0;
    ssize_t got;

    while ((got = read(fd, room, sizeof(room))) > 0) {
        size += (size_t)got;
        assert_int_equal(room[got - 1], '\n');
    }
    return size;
}

static void
test_full(void **state)
{
    int fds[2];
    struct harness *harness = new_harness(fds);
    const char *told;

    (void)state;
    harness_use_fd(harness, "/log", fds[1]);
    fill(harness, 10);
    told = harness_log(harness);
    expect_has(told, "access log \"/log\" took no more, ");
    expect_has(told, " lines dropped so far: ");
    /* Told once a minute, not each time. */
    fill(harness, 4);
    assert_string_equal(harness_log(harness), "");
    /* What was written are whole lines. */
    assert_true(drain(fds[0]) > 0);
    fill(harness, 1);
    harness_file(harness, "/log");
    assert_true(drain(fds[0]) > 0);
    harness_free(harness);
    close(fds[0]);
    close(fds[1]);
}

/* As a full disk: what fits is taken, within a line, too. */
static void
limit_files(rlim_t size)
{
    struct rlimit limit;

    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = size == 0 ? limit.rlim_max : size;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void
test_cut(void **state)
{
    char path[] = "/tmp/cohort_log_sink_XXXXXX";
    int fd = mkostemp(path, O_APPEND | O_CLOEXEC);
    struct harness *harness = harness_new(
        "log_format short \"$status.\";"
        "access_log /log short buffer=20 flush=10m;"
        "server { listen 127.0.0.1:8123; location / { return 200 x; } }");
    char text[200] = "";

    (void)state;
    assert_true(fd >= 0);
    unlink(path);
    harness_use_fd(harness, "/log", fd);
    limit_files(23); /* the first four, and half of the fifth of the next */
    fill(harness, 8);
    expect_has(harness_log(harness), "took no more, 4 lines dropped so far");
    fill(harness, 4);
    limit_files(0);
    fill(harness, 4);
    expect_has(
        harness_log(harness),
        "\"/log\" is written again, 8 lines were dropped");
    assert_true(pread(fd, text, sizeof(text) - 1, 0) > 0);
    assert_string_equal(
        text, "200.\n200.\n200.\n200.\n200\n200.\n200.\n200.\n200.\n");
    harness_free(harness);
    close(fd);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
