/* Sockets that have to go: nobody who waits there is lost. */
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/accept/emptying.h"
#include "tests/server/cluster.h"
#include "tests/server/listener_fixture.h"

static void
on_done(void *user)
{
    struct listener_fixture *fixture = user;

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
run_until_done(struct listener_fixture *fixture)
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
    struct listener_fixture *fixture = *state;
    struct coh_listener *listener = listen_open(fixture, listen_at_any_port());
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
    struct listener_fixture *fixture = *state;
    struct coh_listener *listener =
        listen_open(fixture, listen_at_file(fixture));
    struct coh_listener *successor;
    int client = test_connect(&listener->address);
    char answer;

    assert_int_equal(
        coh_emptying_start(
            listener, 0, &fixture->loop, on_accepted, on_done, fixture),
        0);
    /* Its name is free for another. */
    successor = listen_open(fixture, listen_at_file(fixture));
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
    struct listener_fixture *fixture = *state;
    struct coh_listener *listener = listen_open(fixture, listen_at_any_port());
    struct coh_listen_request request = {.address = listener->address};

    assert_int_equal(
        coh_emptying_start(listener, 0, &fixture->loop, NULL, on_done, fixture),
        0);
    assert_ptr_equal(listen_open(fixture, request), listener);
    assert_int_equal(fixture->done, 1);
    assert_int_equal(listener->references, 2);
    /* It takes connections as before. */
    close(test_connect(&listener->address));
}

static void
give_back(void *user)
{
    struct listener_fixture *fixture = user;

    fixture->done++;
    coh_listener_release(TAILQ_FIRST(&fixture->listeners.list));
}

/* By somebody else, while whoever left it has nothing more to do there. */
static void
test_emptying_cancelled_by_another(void **state)
{
    struct listener_fixture *fixture = *state;
    struct coh_listener *listener = listen_open(fixture, listen_at_any_port());
    struct coh_listen_request request = {.address = listener->address};

    assert_int_equal(
        coh_emptying_start(
            listener, 0, &fixture->loop, NULL, give_back, fixture),
        0);
    listen_open(fixture, request);
    assert_int_equal(fixture->done, 1);
    assert_ptr_equal(TAILQ_FIRST(&fixture->listeners.list), listener);
    assert_int_equal(listener->references, 1);
    close(test_connect(&request.address));
}

/* Whoever comes goes on coming where nobody can be turned away. */
static void
test_emptying_that_cannot_steer_ends(void **state)
{
    struct listener_fixture *fixture = *state;
    struct coh_listener *listener = listen_open(fixture, listen_at_any_port());
    int is_locked = 1;
    int client;

    assert_int_equal(
        setsockopt(
            listener->sockets[0], SOL_SOCKET, SO_LOCK_FILTER, &is_locked,
            sizeof(is_locked)),
        0);
    client = test_connect(&listener->address);
    assert_int_equal(
        coh_emptying_start(listener, 0, &fixture->loop, NULL, on_done, fixture),
        0);
    for (int i = 0; i < 10000 && fixture->done == 0; i++) {
        event_base_loop(fixture->loop.base, EVLOOP_ONCE);
    }
    assert_int_equal(fixture->done, 1);
    coh_listener_release(listener);
    close(client);
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
watch(struct listener_fixture *fixture, struct event *event, int socket)
{
    event_assign(
        event, fixture->loop.base, socket, EV_READ | EV_PERSIST,
        accept_and_answer, NULL);
    event_add(event, NULL);
}

/* Four sockets for a while, then one: the others are emptied. */
static void
resize(struct listener_fixture *fixture, struct coh_listener *listener)
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
    struct listener_fixture *fixture = *state;
    struct coh_listener *listener = listen_open(fixture, listen_at_any_port());
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

/* Programs have copies of the sockets, and no idea: these stay as they are. */
static void
test_emptying_what_was_given(void **state)
{
    struct listener_fixture *fixture = *state;
    struct coh_listener *listener = listen_open(fixture, listen_at_any_port());
    struct coh_listener *again = NULL;
    struct coh_listen_request request = {.address = listener->address};
    int copy = dup(listener->sockets[0]);
    int client;

    listener->given_count = 1;
    assert_int_equal(
        coh_emptying_start(listener, 0, &fixture->loop, NULL, on_done, fixture),
        0);
    run_until_done(fixture);
    assert_int_equal(listener->socket_count, 1);
    assert_int_equal(accept4(copy, NULL, NULL, SOCK_NONBLOCK), -1);
    assert_int_equal(errno, EAGAIN); /* it listens as before */

    /* It is wanted again before it is released. */
    assert_int_equal(
        coh_listener_open(&fixture->listeners, &request, &again, fixture->why),
        0);
    assert_ptr_equal(again, listener);
    client = test_connect(&request.address);
    close(accept4(copy, NULL, NULL, 0));
    close(client);
    coh_listener_release(again);

    assert_int_equal(
        coh_emptying_start(listener, 0, &fixture->loop, NULL, on_done, fixture),
        0);
    fixture->done = 0;
    run_until_done(fixture);
    coh_listener_release(listener); /* with what the emptying has of it */
    assert_true(TAILQ_EMPTY(&fixture->listeners.list));
    close(copy);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        LISTENER_TEST(test_emptying),
        LISTENER_TEST(test_emptying_unix),
        LISTENER_TEST(test_emptying_what_was_given),
        LISTENER_TEST(test_emptying_cancelled),
        LISTENER_TEST(test_emptying_cancelled_by_another),
        LISTENER_TEST(test_emptying_that_cannot_steer_ends),
        LISTENER_TEST(test_resize),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
