/* Listening addresses: opened, kept, refused. */
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/socket.h"
#include "server/accept/holder.h"
#include "tests/server/cluster.h"
#include "tests/server/listener_fixture.h"

/* --- opening -------------------------------------------------------------- */

static int
option_of(int fd, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof(value);

    assert_int_equal(getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

static void
test_open(void **state)
{
    struct listener_fixture *fixture = *state;
    struct coh_listener *listener = listen_open(fixture, listen_at_any_port());
    int client = test_connect(&listener->address);
    int fd = accept(listener->sockets[0], NULL, NULL);

    assert_true(coh_addr_port(&listener->address) != 0);
    assert_true(fd >= 0);
    /* Inherited from the listener, so no call per connection. */
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    close(fd);
    close(client);
    coh_listener_release(listener);
    assert_true(TAILQ_EMPTY(&fixture->listeners.list));
}

static void
test_kept_by_address(void **state)
{
    struct listener_fixture *fixture = *state;
    struct coh_listener *first = listen_open(fixture, listen_at_any_port());
    struct coh_listen_request again = {.address = first->address};
    struct coh_listener *second = listen_open(fixture, again);

    assert_ptr_equal(first, second);
    assert_int_equal(first->references, 2);
    coh_listener_release(first);
    close(test_connect(&second->address));
    coh_listener_release(second);
}

static void
test_options(void **state)
{
    struct listener_fixture *fixture = *state;
    struct coh_listen_request request = listen_at_any_port();
    struct cohort_listen_options changed = {
        .backlog = 17,
        .keepalive = -1,
        .deferred = true,
        .fastopen = 5,
    };
    struct coh_listener *listener;
    int fd;

    request.options.keepalive = 1;
    request.options.keepalive_idle_s = 77;
    request.options.rcvbuf = 32768;
    listener = listen_open(fixture, request);
    fd = listener->sockets[0];
    assert_int_equal(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), 77);
    assert_int_equal(option_of(fd, SOL_SOCKET, SO_RCVBUF), 65536);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT), 0);
    coh_listener_apply(listener, &changed);
    assert_int_equal(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), 0);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT), 1);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_FASTOPEN), 5);
    changed.deferred = false;
    coh_listener_apply(listener, &changed);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT), 0);
}

/* Although our sockets share their addresses among themselves. */
static void
test_busy(void **state)
{
    struct listener_fixture *fixture = *state;
    struct coh_listener *listener = listen_open(fixture, listen_at_any_port());
    struct coh_listen_request same = {.address = listener->address};
    char process[32];

    assert_int_equal(listen_refused(fixture, same), -EADDRINUSE);
    snprintf(process, sizeof(process), "(process %d)", (int)getpid());
    assert_non_null(strstr(fixture->why, process));
    assert_non_null(strstr(fixture->why, "127.0.0.1:"));
    assert_int_equal(coh_listener_grow(listener, 3, fixture->why), 0);
    assert_int_equal(listen_refused(fixture, same), -EADDRINUSE);
}

static void
test_wrong_address(void **state)
{
    struct listener_fixture *fixture = *state;

    assert_int_equal(
        listen_refused(fixture, listen_at("192.0.2.1:8000")), -EADDRNOTAVAIL);
    assert_non_null(strstr(fixture->why, "192.0.2.1:8000"));
    assert_non_null(strstr(fixture->why, "ip address"));
}

static void
test_without_the_right(void **state)
{
    struct listener_fixture *fixture = *state;
    pid_t pid;
    int status;

    if (coh_unprivileged_port() <= 80) {
        skip();
    }
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct coh_listen_request request = listen_at("127.0.0.1:81");
        struct coh_listener *listener;
        int result;

        if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0) {
            _exit(2);
        }
        result = coh_listener_open(
            &fixture->others, &request, &listener, fixture->why);
        _exit(
            result == -EACCES &&
                    strstr(fixture->why, "CAP_NET_BIND_SERVICE") != NULL
                ? 0
                : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void
test_ipv6(void **state)
{
    struct listener_fixture *fixture = *state;
    struct coh_listen_request request = listen_at("[::1]:1");
    struct coh_listener *listener;
    int result;

    coh_addr_set_port(&request.address, 0);
    result = coh_listener_open(
        &fixture->listeners, &request, &listener, fixture->why);
    if (result == -EADDRNOTAVAIL || result == -EAFNOSUPPORT) {
        skip();
    }
    assert_int_equal(result, 0);
    assert_int_equal(
        option_of(listener->sockets[0], IPPROTO_IPV6, IPV6_V6ONLY), 1);
    request.address = listener->address;
    assert_int_equal(listen_refused(fixture, request), -EADDRINUSE);
    assert_non_null(strstr(fixture->why, "(process"));
}

/* A wildcard and a specific address of ours, side by side. */
static void
test_overlap(void **state)
{
    struct listener_fixture *fixture = *state;
    struct coh_listener *specific = listen_open(fixture, listen_at_any_port());
    struct coh_listen_request wildcard = listen_at("*:1");
    struct coh_listener *listener;
    struct pollfd waiting;

    coh_addr_set_port(&wildcard.address, coh_addr_port(&specific->address));
    assert_int_equal(listen_refused(fixture, wildcard), -EADDRINUSE);
    listener = listen_open(fixture, wildcard);
    assert_ptr_not_equal(listener, specific);
    close(test_connect(&specific->address));
    waiting = (struct pollfd){specific->sockets[0], POLLIN, 0};
    assert_int_equal(poll(&waiting, 1, 1000), 1);
}

/* --- given to programs ---------------------------------------------------- */

/* They have made it blocking, and nobody is there who wants to connect. */
static void
test_nobody_waits_for_a_connection(void **state)
{
    struct listener_fixture *fixture = *state;
    struct coh_listener *listener = listen_open(fixture, listen_at_any_port());
    int client;
    int fd;

    listener->references++; /* the group's */
    listener->given_count = 1;
    coh_fd_set_nonblocking(listener->sockets[0], false);
    alarm(10); /* so long it may wait */
    assert_int_equal(coh_listener_accept(listener, 0), -1);
    assert_int_equal(errno, EAGAIN);
    client = test_connect(&listener->address);
    fd = coh_listener_accept(listener, 0);
    assert_true(fd >= 0);
    close(fd);
    close(client);

    coh_fd_set_nonblocking(listener->sockets[0], false);
    coh_listener_give_no_more(listener);
    coh_listener_release(listener);
    assert_int_equal(coh_listener_acceptor_count(listener), 1);
    assert_int_equal(coh_listener_accept(listener, 0), -1);
    assert_int_equal(errno, EAGAIN);
    alarm(0);
    coh_listener_release(listener);
}

/* --- wildcards ------------------------------------------------------------ */

static void
test_cover(void **state)
{
    struct coh_listen_request requests[] = {
        listen_at("127.0.0.1:8000"), listen_at("*:8000"),
        listen_at("127.0.0.1:8001"), listen_at("[::1]:8000"),
        listen_at("10.0.0.1:8000"),  listen_at("*:8000"),
    };

    (void)state;
    requests[4].options.is_bound = true;
    assert_int_equal(coh_listen_cover(requests, 6, 0), 1);
    assert_int_equal(coh_listen_cover(requests, 6, 1), 1);
    assert_int_equal(coh_listen_cover(requests, 6, 2), 2);
    assert_int_equal(coh_listen_cover(requests, 6, 3), 3);
    assert_int_equal(coh_listen_cover(requests, 6, 4), 4);
    assert_int_equal(coh_listen_cover(requests, 6, 5), 1);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        LISTENER_TEST(test_open),
        LISTENER_TEST(test_kept_by_address),
        LISTENER_TEST(test_options),
        LISTENER_TEST(test_busy),
        LISTENER_TEST(test_wrong_address),
        LISTENER_TEST(test_without_the_right),
        LISTENER_TEST(test_ipv6),
        LISTENER_TEST(test_overlap),
        LISTENER_TEST(test_nobody_waits_for_a_connection),
        LISTENER_TEST(test_cover),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
