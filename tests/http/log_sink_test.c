/* Files that lines go to, when they take no more. */
#include "tests/core/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/str.h"
#include "http/log_sink.h"
#include "tests/http/ask.h"

#define URI_SIZE 399
#define LINE_SIZE (4 * URI_SIZE + 1)

/* A harness whose access log is a pipe that nobody reads. */
static struct harness *
new_harness(int fds[2], const char *buffer_size)
{
    char text[512];

    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    fcntl(fds[1], F_SETPIPE_SZ, 4096);
    snprintf(
        text, sizeof(text),
        "log_format long \"$uri$uri$uri$uri\";"
        "access_log /log long buffer=%s flush=10m;"
        "server { listen 127.0.0.1:8123; location / { return 200 x; } }",
        buffer_size);
    return harness_new(text);
}

static void
fill(struct harness *harness, int count)
{
    char target[URI_SIZE + 1] = "/";

    memset(target + 1, 'a', sizeof(target) - 2);
    for (int i = 0; i < count; i++) {
        expect_status(ask(harness, target, ""), 200);
    }
}

/* Reads until nothing more comes: bytes. */
static size_t
drain(struct harness *harness, int fd)
{
    static char room[65536];
    size_t size = 0;
    ssize_t got;

    while ((got = read(fd, room, sizeof(room))) > 0) {
        size += (size_t)got;
        assert_int_equal(room[got - 1], '\n');
        harness_turn(harness);
    }
    return size;
}

/* Only whole lines are written to a pipe. */
static size_t
count(size_t size)
{
    assert_int_equal(size % LINE_SIZE, 0);
    return size / LINE_SIZE;
}

/* A pipe takes less than is written at once: its reader gets the rest, in
   order, as it reads. */
static void
test_late(void **state)
{
    int fds[2];
    struct harness *harness = new_harness(fds, "4k");

    (void)state;
    harness_use_fd(harness, "/log", fds[1]);
    for (int i = 0; i < 3; i++) {
        fill(harness, 30);
        harness_file(harness, "/log");
        assert_int_equal(count(drain(harness, fds[0])), 30);
    }
    assert_int_equal(harness_counter(harness, COH_COUNT_LOG_LINES_DROPPED), 0);
    assert_string_equal(harness_log(harness), "");
    harness_free(harness);
    close(fds[0]);
    close(fds[1]);
}

/* What waits goes on into the descriptor that takes the place of the first. */
static void
test_exchanged(void **state)
{
    int fds[2];
    int others[2];
    struct harness *harness = new_harness(fds, "4k");
    size_t first;

    (void)state;
    assert_int_equal(pipe2(others, O_CLOEXEC | O_NONBLOCK), 0);
    harness_use_fd(harness, "/log", fds[1]);
    fill(harness, 100);
    coh_http_service.reopen(harness_http(harness), true);
    harness_use_fd(harness, "/log", others[1]);
    coh_http_service.reopen(harness_http(harness), false);
    first = count(drain(harness, fds[0]));
    assert_true(first > 0 && first < 100);
    assert_int_equal(first + count(drain(harness, others[0])), 100);
    harness_free(harness);
    for (int i = 0; i < 2; i++) {
        close(fds[i]);
        close(others[i]);
    }
}

/* In another process: reads to the end; exits with the number of lines. */
static pid_t
read_apart(int fds[2])
{
    static char room[65536];
    size_t size = 0;
    ssize_t got;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid > 0) {
        return pid;
    }
    close(fds[1]);
    fcntl(fds[0], F_SETFL, 0);
    while ((got = read(fds[0], room, sizeof(room))) > 0) {
        size += (size_t)got;
    }
    _exit((int)(size / LINE_SIZE));
}

static void
test_last(void **state)
{
    int fds[2];
    struct harness *harness = new_harness(fds, "1m");
    pid_t reader;
    int status;

    (void)state;
    reader = read_apart(fds);
    harness_use_fd(harness, "/log", fds[1]);
    fill(harness, 100);
    harness_free(harness);
    close(fds[0]);
    close(fds[1]);
    assert_int_equal(waitpid(reader, &status, 0), reader);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 100);
}

/* Nobody reads: the end comes all the same. */
static void
test_last_unread(void **state)
{
    int fds[2];
    struct harness *harness = new_harness(fds, "4k");
    uint64_t began_ms;

    (void)state;
    harness_use_fd(harness, "/log", fds[1]);
    fill(harness, 100);
    began_ms = coh_monotonic_ms();
    harness_free(harness);
    assert_in_range(coh_monotonic_ms() - began_ms, 150, 5000);
    close(fds[0]);
    close(fds[1]);
}

static void
test_full(void **state)
{
    int fds[2];
    struct harness *harness = new_harness(fds, "4k");
    const char *told;
    uint64_t dropped;

    (void)state;
    harness_use_fd(harness, "/log", fds[1]);
    fill(harness, (int)(COH_LOG_SINK_BACKLOG_MAX / LINE_SIZE));
    assert_string_equal(harness_log(harness), "");
    fill(harness, 20);
    told = harness_log(harness);
    expect_has(told, "access log \"/log\" took no more, 1 lines dropped");
    expect_has(told, " so far: it is not read as fast");
    /* Told once a minute, not each time. */
    fill(harness, 4);
    assert_string_equal(harness_log(harness), "");
    dropped = harness_counter(harness, COH_COUNT_LOG_LINES_DROPPED);
    assert_true(dropped > 4 && dropped < 24);
    assert_int_equal(
        count(drain(harness, fds[0])),
        COH_LOG_SINK_BACKLOG_MAX / LINE_SIZE + 24 - dropped);
    expect_has(harness_log(harness), "\"/log\" is written again, ");
    fill(harness, 3);
    harness_file(harness, "/log");
    assert_int_equal(count(drain(harness, fds[0])), 3);
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

static const char short_lines[] =
    "log_format short \"$status.\";"
    "access_log /log short buffer=20 flush=10m;"
    "server { listen 127.0.0.1:8123; location / { return 200 x; } }";

static int
new_file(void)
{
    char path[] = "/tmp/cohort_log_sink_XXXXXX";
    int fd = mkostemp(path, O_APPEND | O_CLOEXEC);

    assert_true(fd >= 0);
    unlink(path);
    return fd;
}

static void
test_cut(void **state)
{
    int fd = new_file();
    struct harness *harness = harness_new(short_lines);
    char text[200] = "";

    (void)state;
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

static void
reopen(struct harness *harness, int fd)
{
    coh_http_service.reopen(harness_http(harness), true);
    harness_use_fd(harness, "/log", fd);
    coh_http_service.reopen(harness_http(harness), false);
}

/* A line that was cut is ended where it stands, in no other file. */
static void
test_cut_and_exchanged(void **state)
{
    int fds[2] = {new_file(), new_file()};
    struct harness *harness = harness_new(short_lines);
    char text[200] = "";

    (void)state;
    harness_use_fd(harness, "/log", fds[0]);
    limit_files(3);
    fill(harness, 4);
    reopen(harness, fds[0]);
    limit_files(0);
    fill(harness, 4);
    assert_true(pread(fds[0], text, sizeof(text) - 1, 0) > 0);
    assert_string_equal(text, "200\n200.\n200.\n200.\n200.\n");
    limit_files(28);
    fill(harness, 4);
    limit_files(0);
    reopen(harness, fds[1]);
    fill(harness, 4);
    memset(text, 0, sizeof(text));
    assert_true(pread(fds[1], text, sizeof(text) - 1, 0) > 0);
    assert_string_equal(text, "200.\n200.\n200.\n200.\n");
    harness_free(harness);
    close(fds[0]);
    close(fds[1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_late),
        cmocka_unit_test(test_exchanged),
        cmocka_unit_test(test_last),
        cmocka_unit_test(test_last_unread),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_cut_and_exchanged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
