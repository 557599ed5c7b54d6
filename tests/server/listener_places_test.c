/* A socket for each worker: prepared, used, taken back. */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/server/cluster.h"
#include "tests/server/listener_fixture.h"

/* How many of 60 new connections each socket got. */
static void
spread(const struct coh_listener *listener, unsigned counts[4])
{
    int clients[60];

    for (unsigned i = 0; i < 60; i++) {
        clients[i] = test_connect(&listener->address);
    }
    for (unsigned i = 0; i < 4; i++) {
        bool is_there = i < listener->socket_count;
        struct pollfd waiting = {
            .fd = is_there ? listener->sockets[i] : -1,
            .events = POLLIN,
        };

        counts[i] = 0;
        while (poll(&waiting, 1, 0) > 0) {
            close(accept(waiting.fd, NULL, NULL));
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
    struct listener_fixture *fixture = *state;
    struct coh_listener *listener = listen_open(fixture, listen_at_any_port());
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
    struct listener_fixture *fixture = *state;
    struct coh_listener *listener =
        listen_open(fixture, listen_at_file(fixture));

    assert_int_equal(coh_listener_grow(listener, 4, fixture->why), 0);
    assert_int_equal(listener->socket_count, 1);
}

/* It is somebody's who goes on with it. */
static void
test_an_adopted_socket_is_not_taken_back(void **state)
{
    struct listener_fixture *fixture = *state;
    struct coh_listener *whose = listen_open(fixture, listen_at_any_port());
    const struct cohort_listen_options options = {.backlog = 511};
    struct coh_listener *listener;
    unsigned counts[4];

    assert_int_equal(
        coh_listener_adopt(
            &fixture->listeners, dup(whose->sockets[0]), &options, &listener),
        0);
    coh_listener_retract(listener);
    assert_int_equal(listener->socket_count, 1);
    coh_listener_release(listener);
    spread(whose, counts);
    assert_int_equal(counts[0], 60);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        LISTENER_TEST(test_places),
        LISTENER_TEST(test_places_of_unix),
        LISTENER_TEST(test_an_adopted_socket_is_not_taken_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
