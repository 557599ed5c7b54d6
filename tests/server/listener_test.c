/* Listening addresses: opened, kept, refused, given away. */
#include "server/accept/listener.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/event.h"
#include "core/log.h"
#include "server/accept/emptying.h"
#include "server/accept/holder.h"
#include "tests/core/test.h"
#include "tests/server/cluster.h"

struct fixture {
    struct cohort_log log;
    struct coh_listeners listeners;
    struct coh_listeners others; /* another instance's */
    struct coh_loop loop;
    char why[COH_LISTENER_WHY_MAX];
    char folder[32];
    unsigned done;
};

static int
setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    coh_log_init(&fixture->log, NULL);
    coh_listeners_init(&fixture->listeners, &fixture->log);
    coh_listeners_init(&fixture->others, &fixture->log);
    assert_int_equal(coh_loop_init(&fixture->loop, NULL), 0);
    strcpy(fixture->folder, "/tmp/cohort-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    *state = fixture;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *fixture = *state;

    coh_listeners_fini(&fixture->listeners, true);
    coh_listeners_fini(&fixture->others, true);
    coh_loop_fini(&fixture->loop);
    /* Nothing of ours is left in it. */
    assert_int_equal(rmdir(fixture->folder), 0);
    free(fixture);
    return 0;
}

static struct coh_listen_request
at(const char *text)
{
    struct coh_listen_request request = {.options = {.ipv6only = true}};
    const char *why = "";

    assert_int_equal(
        coh_addr_parse(cohort_str(text), 80, &request.address, &why), 0);
    return request;
}

static struct coh_listen_request
at_any_port(void)
{
    struct coh_listen_request request = at("127.0.0.1:1");

    coh_addr_set_port(&request.address, 0);
    return request;
}

static struct coh_listen_request
at_file(struct fixture *fixture)
{
    char text[64];

    snprintf(text, sizeof(text), "unix:%s/socket", fixture->folder);
    return at(text);
}

static struct coh_listener *
open_at(struct fixture *fixture, struct coh_listen_request request)
{
    struct coh_listener *listener;

    assert_int_equal(
        coh_listener_open(
            &fixture->listeners, &request, &listener, fixture->why),
        0);
    return listener;
}

static int
option_of(int fd, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof(value);

    assert_int_equal(getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

/* --- opening -------------------------------------------------------------- */

static void
test_open(void **state)
{
    struct fixture *fixture = *state;
    struct coh_listener *listener = open_at(fixture, at_any_port());
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
    struct fixture *fixture = *state;
    struct coh_listener *first = open_at(fixture, at_any_port());
    struct coh_listen_request again = {.address = first->address};
    struct coh_listener *second = open_at(fixture, again);

    assert_ptr_equal(first, second);
    assert_int_equal(first->references, 2);
    coh_listener_release(first);
    close(test_connect(&second->address));
    coh_listener_release(second);
}

static void
test_options(void **state)
{
    struct fixture *fixture = *state;
    struct coh_listen_request request = at_any_port();
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
    listener = open_at(fixture, request);
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

static int
refused(struct fixture *fixture, struct coh_listen_request request)
{
    struct coh_listener *listener = (struct coh_listener *)1;
    int result =
        coh_listener_open(&fixture->others, &request, &listener, fixture->why);

    assert_null(listener);
    assert_true(TAILQ_EMPTY(&fixture->others.list));
    return result;
}

/* Although our sockets share their addresses among themselves. */
static void
test_busy(void **state)
{
    struct fixture *fixture = *state;
    struct coh_listener *listener = open_at(fixture, at_any_port());
    struct coh_listen_request same = {.address = listener->address};
    char process[32];

    assert_int_equal(refused(fixture, same), -EADDRINUSE);
    snprintf(process, sizeof(process), "(process %d)", (int)getpid());
    assert_non_null(strstr(fixture->why, process));
    assert_non_null(strstr(fixture->why, "127.0.0.1:"));
    assert_int_equal(coh_listener_grow(listener, 3, fixture->why), 0);
    assert_int_equal(refused(fixture, same), -EADDRINUSE);
}

static void
test_wrong_address(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(refused(fixture, at("192.0.2.1:8000")), -EADDRNOTAVAIL);
    assert_non_null(strstr(fixture->why, "192.0.2.1:8000"));
    assert_non_null(strstr(fixture->why, "ip address"));
}

static void
test_without_the_right(void **state)
{
    struct fixture *fixture = *state;
    pid_t pid;
    int status;

    if (coh_unprivileged_port() <= 80) {
        skip();
    }
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct coh_listen_request request = at("127.0.0.1:81");
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
    struct fixture *fixture = *state;
    struct coh_listen_request request = at("[::1]:1");
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
    assert_int_equal(refused(fixture, request), -EADDRINUSE);
    assert_non_null(strstr(fixture->why, "(process"));
}

/* A wildcard and a specific address of ours, side by side. */
static void
test_overlap(void **state)
{
    struct fixture *fixture = *state;
    struct coh_listener *specific = open_at(fixture, at_any_port());
    struct coh_listen_request wildcard = at("*:1");
    struct coh_listener *listener;
    struct pollfd waiting;

    coh_addr_set_port(&wildcard.address, coh_addr_port(&specific->address));
    assert_int_equal(refused(fixture, wildcard), -EADDRINUSE);
    listener = open_at(fixture, wildcard);
    assert_ptr_not_equal(listener, specific);
    close(test_connect(&specific->address));
    waiting = (struct pollfd){specific->sockets[0], POLLIN, 0};
    assert_int_equal(poll(&waiting, 1, 1000), 1);
}

/* --- unix sockets --------------------------------------------------------- */

static void
test_unix(void **state)
{
    struct fixture *fixture = *state;
    struct coh_listen_request request = at_file(fixture);
    struct coh_listener *listener;
    struct stat status;
    const char *path = request.address.u.local.sun_path;
    char process[32];

    request.options.mode = 0622;
    listener = open_at(fixture, request);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0622);
    close(test_connect(&listener->address));
    assert_int_equal(refused(fixture, request), -EADDRINUSE);
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
    struct fixture *fixture = *state;
    struct coh_listen_request request = at_file(fixture);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, &request.address.u.any, request.address.size), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(refused(fixture, request), -EADDRINUSE);
    close(fd);
    close(test_connect(&open_at(fixture, request)->address));
}

/* What is no socket is nobody's to remove. */
static void
test_unix_file(void **state)
{
    struct fixture *fixture = *state;
    struct coh_listen_request request = at_file(fixture);
    FILE *file = fopen(request.address.u.local.sun_path, "w");

    assert_non_null(file);
    fclose(file);
    assert_int_equal(refused(fixture, request), -EADDRINUSE);
    assert_int_equal(unlink(request.address.u.local.sun_path), 0);
}

/* Another instance has replaced the file meanwhile. */
static void
test_unix_replaced(void **state)
{
    struct fixture *fixture = *state;
    struct coh_listen_request request = at_file(fixture);
    const char *path = request.address.u.local.sun_path;
    struct coh_listener *listener = open_at(fixture, request);
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
    struct fixture *fixture = *state;

    assert_int_equal(
        refused(fixture, at("unix:/nonexistent-folder/socket")), -ENOENT);
    assert_non_null(strstr(fixture->why, "folder"));
}

/* --- wildcards ------------------------------------------------------------ */

static void
test_cover(void **state)
{
    struct coh_listen_request requests[] = {
        at("127.0.0.1:8000"), at("*:8000"),        at("127.0.0.1:8001"),
        at("[::1]:8000"),     at("10.0.0.1:8000"), at("*:8000"),
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

/* --- places --------------------------------------------------------------- */

/* How many of 60 new connections each socket got. */
static void
spread(const struct coh_listener *listener, unsigned counts[4])
{
    int clients[60];

    for (unsigned i = 0; i < 60; i++) {
        clients[i] = test_connect(&listener->address);
    }
    for (unsigned i = 0; i < 4; i++) {
        struct pollfd waiting = {listener->sockets[i], POLLIN, 0};

        counts[i] = 0;
        while (i < listener->socket_count && poll(&waiting, 1, 0) > 0) {
            close(accept(listener->sockets[i], NULL, NULL));
            counts[i]++;
        }
    }
    for (unsigned i = 0; i < 60; i++) {
        close(clients[i]);
    }
}

/* What a generation prepares gets nothing until it is committed. */
static void
test_places(void **state)
{
    struct fixture *fixture = *state;
    struct coh_listener *listener = open_at(fixture, at_any_port());
    unsigned counts[4];

    assert_int_equal(coh_listener_prepare(listener, 4, fixture->why), 0);
    assert_int_equal(listener->socket_count, 4);
    spread(listener, counts);
    assert_int_equal(counts[0], 60);
    coh_listener_retract(listener);
    assert_int_equal(listener->socket_count, 1);
    spread(listener, counts);
    assert_int_equal(counts[0], 60);
    assert_int_equal(coh_listener_prepare(listener, 4, fixture->why), 0);
    coh_listener_activate(listener);
    coh_listener_retract(listener); /* nothing to take back any more */
    assert_int_equal(listener->socket_count, 4);
    spread(listener, counts);
    assert_true(counts[0] > 0 && counts[1] > 0);
    assert_true(counts[2] > 0 && counts[3] > 0);
    assert_int_equal(counts[0] + counts[1] + counts[2] + counts[3], 60);
}

static void
test_places_of_unix(void **state)
{
    struct fixture *fixture = *state;
    struct coh_listener *listener = open_at(fixture, at_file(fixture));

    assert_int_equal(coh_listener_grow(listener, 4, fixture->why), 0);
    assert_int_equal(listener->socket_count, 1);
}

/* --- emptying ------------------------------------------------------------- */

static void
on_done(void *user)
{
    struct fixture *fixture = user;

    fixture->done++;
}

static void
on_accepted(void *user, int fd)
{
    (void)user;
    assert_int_equal(send(fd, "k", 1, MSG_NOSIGNAL), 1);
    shutdown(fd, SHUT_RDWR);
    close(fd);
}

static void
run_until_done(struct fixture *fixture)
{
    for (int i = 0; i < 1000 && fixture->done == 0; i++) {
        event_base_loop(fixture->loop.base, EVLOOP_ONCE);
    }
    assert_int_equal(fixture->done, 1);
}

/* What waited is accepted, and only then is the address free again. */
static void
test_emptying(void **state)
{
    struct fixture *fixture = *state;
    struct coh_listener *listener = open_at(fixture, at_any_port());
    struct coh_addr address = listener->address;
    int clients[20];
    char answer;

    for (unsigned i = 0; i < 20; i++) {
        clients[i] = test_connect(&address);
    }
    assert_int_equal(
        coh_emptying_start(
            listener, 0, &fixture->loop, on_accepted, on_done, fixture),
        0);
    assert_int_equal(
        coh_emptying_start(
            listener, 0, &fixture->loop, on_accepted, on_done, fixture),
        -EALREADY);
    run_until_done(fixture);
    coh_listener_release(listener);
    assert_true(TAILQ_EMPTY(&fixture->listeners.list));
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(recv(clients[i], &answer, 1, 0), 1);
        close(clients[i]);
    }
}

static void
test_emptying_unix(void **state)
{
    struct fixture *fixture = *state;
    struct coh_listener *listener = open_at(fixture, at_file(fixture));
    struct coh_listener *successor;
    int client = test_connect(&listener->address);
    char answer;

    assert_int_equal(
        coh_emptying_start(
            listener, 0, &fixture->loop, on_accepted, on_done, fixture),
        0);
    /* Its name is free for another. */
    successor = open_at(fixture, at_file(fixture));
    assert_ptr_not_equal(successor, listener);
    run_until_done(fixture);
    coh_listener_release(listener);
    assert_int_equal(recv(client, &answer, 1, 0), 1);
    close(client);
    close(test_connect(&successor->address));
}

/* The address is wanted again, before it was closed. */
static void
test_emptying_cancelled(void **state)
{
    struct fixture *fixture = *state;
    struct coh_listener *listener = open_at(fixture, at_any_port());
    struct coh_listen_request request = {.address = listener->address};

    assert_int_equal(
        coh_emptying_start(listener, 0, &fixture->loop, NULL, on_done, fixture),
        0);
    assert_ptr_equal(open_at(fixture, request), listener);
    assert_int_equal(fixture->done, 1);
    assert_int_equal(listener->references, 2);
    /* It takes connections as before. */
    close(test_connect(&listener->address));
}

/* A process that connects all the time, and counts what is not answered. */
static pid_t
start_client(const struct coh_addr *address, int report)
{
    pid_t pid = fork();
    unsigned counts[2] = {0, 0};

    assert_true(pid >= 0);
    if (pid > 0) {
        return pid;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (unsigned i = 0; i < 4000; i++) {
        const struct linger reset = {.l_onoff = 1};
        int fd = test_connect(address);
        char answer;

        counts[recv(fd, &answer, 1, 0) == 1]++;
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        close(fd);
    }
    assert_int_equal(write(report, counts, sizeof(counts)), sizeof(counts));
    _exit(0);
}

static void
accept_and_answer(evutil_socket_t fd, short what, void *user)
{
    int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    (void)what;
    if (client >= 0) {
        on_accepted(user, client);
    }
}

static void
watch(struct fixture *fixture, struct event *event, int socket)
{
    event_assign(
        event, fixture->loop.base, socket, EV_READ | EV_PERSIST,
        accept_and_answer, NULL);
    event_add(event, NULL);
}

/* Four sockets for a while, then one: the others are emptied. */
static void
resize(struct fixture *fixture, struct coh_listener *listener)
{
    struct event events[4];

    assert_int_equal(coh_listener_grow(listener, 4, fixture->why), 0);
    for (unsigned i = 1; i < 4; i++) {
        watch(fixture, &events[i], listener->sockets[i]);
    }
    for (int i = 0; i < 100; i++) {
        event_base_loop(fixture->loop.base, EVLOOP_NONBLOCK);
    }
    for (unsigned i = 1; i < 4; i++) {
        event_del(&events[i]);
    }
    assert_int_equal(
        coh_emptying_start(
            listener, 1, &fixture->loop, on_accepted, on_done, fixture),
        0);
}

/* A reuseport group that shrinks and grows loses nothing. */
static void
test_resize(void **state)
{
    struct fixture *fixture = *state;
    struct coh_listener *listener = open_at(fixture, at_any_port());
    struct event first;
    unsigned counts[2];
    int report[2];
    pid_t pid;

    assert_int_equal(pipe(report), 0);
    watch(fixture, &first, listener->sockets[0]);
    pid = start_client(&listener->address, report[1]);
    while (waitpid(pid, NULL, WNOHANG) == 0) {
        if (listener->emptying == NULL) {
            assert_int_equal(listener->socket_count, 1);
            resize(fixture, listener);
        }
        event_base_loop(fixture->loop.base, EVLOOP_NONBLOCK);
    }
    coh_emptying_cancel(listener);
    event_del(&first);
    assert_int_equal(read(report[0], counts, sizeof(counts)), sizeof(counts));
    print_message("%u resizes, %u lost\n", fixture->done, counts[0]);
    assert_int_equal(counts[0], 0);
    assert_true(fixture->done > 2);
    close(report[0]);
    close(report[1]);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_open),
        TEST(test_kept_by_address),
        TEST(test_options),
        TEST(test_busy),
        TEST(test_wrong_address),
        TEST(test_without_the_right),
        TEST(test_ipv6),
        TEST(test_overlap),
        TEST(test_unix),
        TEST(test_unix_stale),
        TEST(test_unix_file),
        TEST(test_unix_replaced),
        TEST(test_unix_without_folder),
        TEST(test_cover),
        TEST(test_places),
        TEST(test_places_of_unix),
        TEST(test_emptying),
        TEST(test_emptying_unix),
        TEST(test_emptying_cancelled),
        TEST(test_resize),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
