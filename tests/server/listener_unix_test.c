/* Listening on paths: files that are made, taken over, left alone. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/server/cluster.h"
#include "tests/server/listener_fixture.h"

static void
test_unix(void **state)
{
    struct listener_fixture *fixture = *state;
    struct coh_listen_request request = listen_at_file(fixture);
    struct coh_listener *listener;
    struct stat status;
    const char *path = request.address.u.local.sun_path;
    char process[32];

    request.options.mode = 0622;
    listener = listen_open(fixture, request);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0622);
    close(test_connect(&listener->address));
    assert_int_equal(listen_refused(fixture, request), -EADDRINUSE);
    snprintf(process, sizeof(process), "(process %d)", (int)getpid());
    assert_non_null(strstr(fixture->why, process));
    request.options.mode = 0600;
    coh_listener_apply(listener, &request.options);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    coh_listener_release(listener);
    assert_int_equal(stat(path, &status), -1);
}

/* Left behind by a server that was killed. */
static void
test_unix_stale(void **state)
{
    struct listener_fixture *fixture = *state;
    struct coh_listen_request request = listen_at_file(fixture);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, &request.address.u.any, request.address.size), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(listen_refused(fixture, request), -EADDRINUSE);
    close(fd);
    close(test_connect(&listen_open(fixture, request)->address));
}

/* Another instance that has just begun to start. */
static void
test_unix_bound(void **state)
{
    struct listener_fixture *fixture = *state;
    struct coh_listen_request request = listen_at_file(fixture);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    char process[32];

    assert_int_equal(bind(fd, &request.address.u.any, request.address.size), 0);
    assert_int_equal(listen_refused(fixture, request), -EADDRINUSE);
    snprintf(process, sizeof(process), "(process %d)", (int)getpid());
    assert_non_null(strstr(fixture->why, process));
    assert_int_equal(listen(fd, 1), 0);
    close(test_connect(&request.address));
    close(fd);
    close(test_connect(&listen_open(fixture, request)->address));
}

/* What is no socket is nobody's to remove. */
static void
test_unix_file(void **state)
{
    struct listener_fixture *fixture = *state;
    struct coh_listen_request request = listen_at_file(fixture);
    FILE *file = fopen(request.address.u.local.sun_path, "w");

    assert_non_null(file);
    fclose(file);
    assert_int_equal(listen_refused(fixture, request), -EADDRINUSE);
    assert_int_equal(unlink(request.address.u.local.sun_path), 0);
}

/* Another instance has replaced the file meanwhile. */
static void
test_unix_replaced(void **state)
{
    struct listener_fixture *fixture = *state;
    struct coh_listen_request request = listen_at_file(fixture);
    const char *path = request.address.u.local.sun_path;
    struct coh_listener *listener = listen_open(fixture, request);
    struct coh_listener *other;
    struct stat status;

    assert_int_equal(unlink(path), 0);
    assert_int_equal(
        coh_listener_open(&fixture->others, &request, &other, fixture->why), 0);
    coh_listener_release(listener);
    assert_int_equal(stat(path, &status), 0);
}

static void
test_unix_without_folder(void **state)
{
    struct listener_fixture *fixture = *state;

    assert_int_equal(
        listen_refused(fixture, listen_at("unix:/nonexistent-folder/socket")),
        -ENOENT);
    assert_non_null(strstr(fixture->why, "folder"));
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        LISTENER_TEST(test_unix),
        LISTENER_TEST(test_unix_stale),
        LISTENER_TEST(test_unix_bound),
        LISTENER_TEST(test_unix_file),
        LISTENER_TEST(test_unix_replaced),
        LISTENER_TEST(test_unix_without_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
