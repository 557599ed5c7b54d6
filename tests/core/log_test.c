/* Log lines: their form, their targets, and targets that take no more. */
#include "tests/core/test.h"

#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/socket.h"

static struct coh_log_target target;
static struct cohort_log top;
static int reader;
static char text[1 << 17];

/* Lines go into a pipe. */
static int
setup(void **state)
{
    int ends[2];

    (void)state;
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
        return -1;
    }
    reader = ends[0];
    target.fd = ends[1];
    target.dropped = 0;
    coh_log_init(&top, NULL);
    return coh_log_add_target(&top, &target, COHORT_LOG_INFO);
}

static int
teardown(void **state)
{
    (void)state;
    close(reader);
    return close(target.fd);
}

/* What has been written since, as a string. */
static const char *
written(void)
{
    ssize_t got = read(reader, text, sizeof(text) - 1);

    text[got < 0 ? 0 : got] = '\0';
    return text;
}

static void
expect_form(const char *pattern)
{
    const char *line = written();
    regex_t compiled;

    assert_int_equal(regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB), 0);
    if (regexec(&compiled, line, 0, NULL, 0) != 0) {
        fail_msg("\"%s\" is not of the form %s", line, pattern);
    }
    regfree(&compiled);
}

#define START "^20[0-9/]{8} [0-9]{2}:[0-9]{2}:[0-9]{2} "

static size_t
say_client(const void *object, char *out, size_t size)
{
    return (size_t)snprintf(out, size, ", client: %s", (const char *)object);
}

static void
test_form(void **state)
{
    struct cohort_log connection;
    struct cohort_log request;

    (void)state;
    cohort_error(&top, "cannot open %s: %s", "/x", "no such file");
    expect_form(START
                "\\[error\\] [0-9]+#[0-9]+: cannot open /x: no such file\n$");

    coh_log_init(&connection, &top);
    connection.connection = 17;
    connection.context = say_client;
    connection.object = "127.0.0.1\n";
    coh_log_init(&request, &connection);
    cohort_info(&request, "closed");
    expect_form(START
                "\\[info\\] .*: \\*17 closed, client: 127.0.0.1\\\\x0A\n$");
}

static void
test_levels(void **state)
{
    struct cohort_log below;
    struct cohort_log none;
    enum cohort_log_level level;

    (void)state;
    coh_log_init(&below, &top);
    coh_log_init(&none, NULL);
    assert_true(cohort_log_is_on(&below, COHORT_LOG_INFO));
    assert_false(cohort_log_is_on(&below, COHORT_LOG_DEBUG));
    assert_false(cohort_log_is_on(&none, COHORT_LOG_EMERG));
    assert_false(cohort_log_is_on(NULL, COHORT_LOG_EMERG));
    cohort_debug(&below, "not written");
    cohort_emerg(&none, "not written");
    cohort_log_write(&top, COHORT_LOG_DEBUG, "not written");
    assert_string_equal(written(), "");

    assert_int_equal(coh_log_level_parse("warn", &level), 0);
    assert_int_equal(level, COHORT_LOG_WARN);
    assert_int_equal(coh_log_level_parse("warning", &level), -EINVAL);
    assert_string_equal(coh_log_level_name(COHORT_LOG_CRIT), "crit");
}

static void
test_targets(void **state)
{
    struct coh_log_target second = {.fd = target.fd};

    (void)state;
    assert_int_equal(coh_log_add_target(&top, &second, COHORT_LOG_CRIT), 0);
    assert_int_equal(top.level, COHORT_LOG_INFO);
    cohort_warn(&top, "once");
    expect_form(START "[^\n]*once\n$");
    cohort_alert(&top, "twice");
    expect_form(START "[^\n]*twice\n20[^\n]*twice\n$");
    while (coh_log_add_target(&top, &second, COHORT_LOG_DEBUG) == 0) {
    }
    assert_int_equal(top.target_count, COH_LOG_TARGETS_MAX);
    assert_int_equal(
        coh_log_add_target(&top, &second, COHORT_LOG_DEBUG), -ENOSPC);
}

static void
test_escaped_and_cut(void **state)
{
    char bytes[3 * COH_LOG_LINE_MAX];
    size_t size;

    (void)state;
    cohort_error(&top, "%s", "a\r\nb\x1b[0m\xc3\xbc\x7f");
    expect_form(": a\\\\x0D\\\\x0Ab\\\\x1B\\[0m\\\\xC3\\\\xBC\\\\x7F\n$");

    for (char fill = 1; fill != 0; fill = fill == 1 ? 'x' : 0) {
        memset(bytes, fill, sizeof(bytes) - 1);
        bytes[sizeof(bytes) - 1] = '\0';
        cohort_error(&top, "%s", bytes);
        size = strlen(written());
        assert_true(size <= COH_LOG_LINE_MAX && size > COH_LOG_LINE_MAX - 5);
        assert_int_equal(text[size - 1], '\n');
    }
}

static void
test_errno_kept(void **state)
{
    (void)state;
    errno = ENOTTY;
    target.fd += 1000; /* nothing there */
    cohort_error(&top, "lost");
    target.fd -= 1000;
    assert_int_equal(errno, ENOTTY);
    assert_int_equal(target.dropped, 1);
}

static void
test_dropped_and_told(void **state)
{
    uint64_t elsewhere = 7;
    unsigned count = 0;
    const char *line;

    (void)state;
    while (target.dropped < 3) {
        if (target.dropped == 1) {
            coh_log_count_at(&elsewhere);
        }
        cohort_error(&top, "line %u", count++);
    }
    assert_int_equal(elsewhere, 7 + 2);
    coh_log_count_at(NULL);
    assert_int_equal(coh_log_dropped(), 0);
    line = written();
    assert_null(strstr(line, "dropped"));
    cohort_error(&top, "again");
    expect_form(START "\\[warn\\] [^\n]*: 3 lines were dropped here[^\n]*\n"
                      "20[^\n]*again\n$");
    assert_int_equal(target.dropped, 0);
}

static int
open_file(void)
{
    char path[] = "/tmp/cohort_log_XXXXXX";
    int fd = mkostemp(path, O_APPEND | O_CLOEXEC);

    assert_true(fd >= 0);
    unlink(path);
    return fd;
}

/* As a disk that fills within a line, and is freed. */
static void
cut_a_line(void)
{
    struct rlimit limit;
    rlim_t before;

    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    before = limit.rlim_cur;
    limit.rlim_cur = 30;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cohort_error(&top, "cut");
    cohort_error(&top, "lost");
    limit.rlim_cur = before;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void
test_cut_line_is_ended(void **state)
{
    int pipe_end = target.fd;

    (void)state;
    target.fd = open_file();
    cut_a_line();
    cohort_error(&top, "again");
    assert_true(pread(target.fd, text, sizeof(text) - 1, 0) > 0);
    assert_int_equal(text[30], '\n');
    assert_non_null(strstr(text, ": 2 lines were dropped here"));
    assert_non_null(strstr(text, "again\n"));
    assert_null(strstr(text, "lost"));
    close(target.fd);
    target.fd = pipe_end;
}

/* But another file does not begin with the end of it. */
static void
test_cut_line_is_left_behind(void **state)
{
    int pipe_end = target.fd;
    int file = open_file();
    int other = open_file();

    (void)state;
    target.fd = fcntl(file, F_DUPFD_CLOEXEC, 0);
    cut_a_line();
    assert_int_equal(coh_log_exchange(&target, file), 0);
    assert_true(target.is_cut); /* it is the same */
    assert_int_equal(coh_log_exchange(&target, -1), -EBADF);
    assert_true(target.is_cut);
    assert_int_equal(coh_log_exchange(&target, other), 0);
    assert_int_equal(fcntl(target.fd, F_GETFD), FD_CLOEXEC);
    cohort_error(&top, "again");
    memset(text, 0, sizeof(text));
    assert_true(pread(other, text, sizeof(text) - 1, 0) > 0);
    assert_int_not_equal(text[0], '\n');
    assert_non_null(strstr(text, "again\n"));
    close(file);
    close(other);
    close(target.fd);
    target.fd = pipe_end;
}

static void
test_clock(void **state)
{
    struct coh_clock clock = {.error_time = "1994/11/06 08:49:37"};
    struct cohort_log below;

    (void)state;
    top.clock = &clock;
    coh_log_init(&below, &top);
    cohort_error(&below, "then");
    expect_form("^1994/11/06 08:49:37 \\[error\\]");
}

static void
test_forked(void **state)
{
    char pattern[80];
    int status;
    pid_t child;

    (void)state;
    cohort_error(&top, "parent");
    snprintf(pattern, sizeof(pattern), " %d#%d: ", getpid(), getpid());
    expect_form(pattern);
    child = fork();
    if (child == 0) {
        coh_log_forked();
        cohort_error(&top, "child");
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    snprintf(pattern, sizeof(pattern), " %d#%d: ", child, child);
    expect_form(pattern);
}

/* Pipes take whole lines or none. */
static void
test_whole_lines(void **state)
{
    static char lines[1 << 17];
    size_t size = 0;
    size_t taken = 0;
    ssize_t result;

    (void)state;
    while (size + 100 < sizeof(lines)) {
        size += (size_t)snprintf(
            lines + size, 100, "%0*zu\n", (int)(size % 70) + 1, size);
    }
    result = coh_log_fd_write(target.fd, lines, size);
    assert_true(result > 4096 && (size_t)result < size);
    assert_int_equal(lines[result - 1], '\n');
    taken = (size_t)result;
    assert_int_equal(strlen(written()), taken);
    assert_memory_equal(text, lines, taken);

    while ((result = coh_log_fd_write(target.fd, lines, 50)) > 0) {
    }
    assert_int_equal(result, -EAGAIN);
    assert_int_equal(coh_log_fd_write(target.fd, lines, 0), 0);
}

/* A pipe that somebody else made, without O_NONBLOCK, must not stop us. */
static void
test_blocking_pipe(void **state)
{
    (void)state;
    assert_int_equal(coh_fd_set_nonblocking(target.fd, false), 0);
    while (target.dropped == 0) {
        cohort_error(&top, "more");
    }
    assert_true(strlen(written()) >= 4096);
}

static void
test_socket(void **state)
{
    char data[1000];
    int fds[2];
    ssize_t result;

    (void)state;
    memset(data, 'x', sizeof(data) - 1);
    data[sizeof(data) - 1] = '\n';
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    do {
        result = coh_log_fd_write(fds[0], data, sizeof(data));
    } while (result > 0);
    assert_int_equal(result, -EAGAIN);
    close(fds[1]);
    assert_int_equal(coh_log_fd_write(fds[0], data, sizeof(data)), -EPIPE);
    close(fds[0]);
    assert_int_equal(coh_log_fd_write(fds[0], data, sizeof(data)), -EBADF);
}

static void
test_open_fd(void **state)
{
    int fd = coh_log_open_fd(target.fd);

    (void)state;
    assert_int_equal(coh_fd_set_nonblocking(target.fd, false), 0);
    /* Its own flags, and the same pipe. */
    assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    assert_int_equal(coh_log_fd_write(fd, "x\n", 2), 2);
    assert_string_equal(written(), "x\n");
    close(fd);
    assert_int_equal(coh_log_open_fd(fd), -EBADF);
}

static void
test_open(void **state)
{
    char folder[] = "/tmp/cohort_log_XXXXXX";
    char path[64];
    struct stat status;
    int fd;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/file", folder);
    umask(022);
    assert_int_equal(coh_log_check(path), 0);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(coh_log_check(folder), -EISDIR);
    for (int i = 1; i <= 2; i++) {
        assert_int_equal(coh_log_check(path), 0);
        fd = coh_log_open(path);
        assert_true(fd > 2);
        assert_int_equal(coh_log_fd_write(fd, "x\n", 2), 2);
        assert_int_equal(fstat(fd, &status), 0);
        assert_int_equal(status.st_size, 2 * i);
        assert_int_equal(status.st_mode & 0777, 0644);
        close(fd);
    }
    unlink(path);
    /* A fifo without a reader. */
    assert_int_equal(mkfifo(path, 0600), 0);
    fd = coh_log_open(path);
    assert_int_equal(coh_log_fd_write(fd, "x\n", 2), 2);
    close(fd);
    unlink(path);
    rmdir(folder);
    assert_int_equal(coh_log_open(path), -ENOENT);
    assert_int_equal(coh_log_check(path), -ENOENT);
}

#define TEST(function)                                                         \
    cmocka_unit_test_setup_teardown(function, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_form),
        TEST(test_levels),
        TEST(test_targets),
        TEST(test_escaped_and_cut),
        TEST(test_errno_kept),
        TEST(test_dropped_and_told),
        TEST(test_cut_line_is_ended),
        TEST(test_cut_line_is_left_behind),
        TEST(test_clock),
        TEST(test_forked),
        TEST(test_whole_lines),
        TEST(test_blocking_pipe),
        TEST(test_socket),
        TEST(test_open_fd),
        TEST(test_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
