/* Connections coming into a process that accepts by itself: whose they are,
   and what happens when there is no room. */
#include "server/accept/intake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/event.h"
#include "core/log.h"
#include "server/accept/listener.h"
#include "tests/core/limit.h"
#include "tests/core/test.h"
#include "tests/server/cluster.h"

#define OPEN_COUNT_MAX 32

struct fixture {
    struct cohort_log log;
    struct coh_listeners listeners;
    struct coh_loop loop;
    struct coh_handoff_words words;
    struct coh_intake intake;
    uint64_t counted[COH_COUNTED_COUNT];
    int fds[OPEN_COUNT_MAX]; /* open, in the order they came */
    void *users[OPEN_COUNT_MAX];
    unsigned count;
    unsigned reclaimable; /* so many of them are idle */
};

static void
close_first(struct fixture *fixture)
{
    close(fixture->fds[0]);
    fixture->count--;
    memmove(fixture->fds, fixture->fds + 1, fixture->count * sizeof(int));
    coh_intake_connection_closed(&fixture->intake);
}

static void
on_connection(void *state, int fd, void *user)
{
    struct fixture *fixture = state;

    assert_true(fixture->count < OPEN_COUNT_MAX);
    fixture->users[fixture->count] = user;
    fixture->fds[fixture->count++] = fd;
}

static size_t
reclaim(void *state, size_t count)
{
    struct fixture *fixture = state;
    size_t done = 0;

    for (; done < count && fixture->reclaimable > 0; done++) {
        fixture->reclaimable--;
        close_first(fixture);
    }
    return done;
}

static int
setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    coh_log_init(&fixture->log, NULL);
    coh_listeners_init(&fixture->listeners, &fixture->log);
    assert_int_equal(coh_loop_init(&fixture->loop, NULL), 0);
    fixture->intake = (struct coh_intake){
        .loop = &fixture->loop,
        .log = &fixture->log,
        .words = &fixture->words,
        .open_max = OPEN_COUNT_MAX,
        .on_connection = on_connection,
        .reclaim = reclaim,
        .state = fixture,
        .counters = fixture->counted,
    };
    *state = fixture;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *fixture = *state;

    while (fixture->count > 0) {
        close_first(fixture);
    }
    coh_intake_fini(&fixture->intake);
    coh_listeners_fini(&fixture->listeners, true);
    coh_loop_fini(&fixture->loop);
    free(fixture);
    return 0;
}

static struct coh_addr
ipv4(uint32_t host, uint16_t port)
{
    struct coh_addr address = {.size = sizeof(address.u.v4)};

    address.u.v4.sin_family = AF_INET;
    address.u.v4.sin_addr.s_addr = htonl(host);
    address.u.v4.sin_port = htons(port);
    return address;
}

/* Listen at host, any port; the intake gets its own copy of the socket. */
static struct coh_listener *
listen_at(struct fixture *fixture, uint32_t host, unsigned index)
{
    struct coh_listen_request request = {.address = ipv4(host, 0)};
    struct coh_listener *listener;
    char why[COH_LISTENER_WHY_MAX];

    assert_int_equal(
        coh_listener_open(&fixture->listeners, &request, &listener, why), 0);
    coh_intake_set(
        &fixture->intake, index, COHORT_POLICY_ROUND_ROBIN, &listener->address,
        dup(listener->sockets[0]), fixture);
    return listener;
}

static void
turn(struct fixture *fixture)
{
    for (int i = 0; i < 10; i++) {
        event_base_loop(fixture->loop.base, EVLOOP_NONBLOCK);
    }
}

static struct coh_listener *
start_one(struct fixture *fixture)
{
    struct coh_listener *listener;

    assert_int_equal(coh_intake_init(&fixture->intake, 1), 0);
    listener = listen_at(fixture, INADDR_LOOPBACK, 0);
    assert_int_equal(coh_intake_start(&fixture->intake), 0);
    return listener;
}

/* --- the tests ------------------------------------------------------------ */

static void
test_covered(void **state)
{
    struct fixture *fixture = *state;
    struct coh_listener *wildcard;
    struct coh_addr specific;
    struct coh_addr other;
    int clients[2];

    assert_int_equal(coh_intake_init(&fixture->intake, 2), 0);
    wildcard = listen_at(fixture, INADDR_ANY, 0);
    specific = ipv4(INADDR_LOOPBACK, coh_addr_port(&wildcard->address));
    other = ipv4(INADDR_LOOPBACK + 1, coh_addr_port(&wildcard->address));
    coh_intake_set(
        &fixture->intake, 1, COHORT_POLICY_ROUND_ROBIN, &specific, -1,
        &specific);
    assert_int_equal(coh_intake_start(&fixture->intake), 0);
    clients[0] = test_connect(&specific);
    clients[1] = test_connect(&other);
    turn(fixture);
    assert_int_equal(fixture->count, 2);
    assert_ptr_equal(fixture->users[0], &specific);
    assert_ptr_equal(fixture->users[1], fixture);
    close(clients[0]);
    close(clients[1]);
}

static void
connect_many(const struct coh_listener *listener, int *clients, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        clients[i] = test_connect(&listener->address);
    }
}

static void
close_many(int *clients, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        close(clients[i]);
    }
}

/* At worker_connections it stops, and goes on as soon as one is closed. */
static void
test_full(void **state)
{
    struct fixture *fixture = *state;
    struct coh_listener *listener;
    int clients[4];

    fixture->intake.open_max = 2;
    listener = start_one(fixture);
    connect_many(listener, clients, 4);
    turn(fixture);
    assert_int_equal(fixture->count, 2);
    assert_true(fixture->intake.is_paused);
    assert_int_equal(fixture->counted[COH_COUNTED_LIMIT], 1);
    assert_int_equal(fixture->counted[COH_COUNTED_PAUSES], 1);
    assert_int_equal(fixture->counted[COH_COUNTED_PAUSED], 1);
    assert_int_equal(coh_intake_open_count(&fixture->intake), 2);
    close_first(fixture);
    turn(fixture);
    assert_int_equal(fixture->count, 2);
    close_first(fixture);
    close_first(fixture);
    turn(fixture);
    assert_int_equal(fixture->count, 1);
    assert_false(fixture->intake.is_paused);
    assert_int_equal(fixture->counted[COH_COUNTED_PAUSED], 0);
    assert_int_equal(fixture->counted[COH_COUNTED_RECLAIMED], 0);
    close_many(clients, 4);
}

/* Idle connections go before new ones have to wait. */
static void
test_reclaim(void **state)
{
    struct fixture *fixture = *state;
    struct coh_listener *listener;
    int clients[4];

    fixture->intake.open_max = 3;
    fixture->reclaimable = 0;
    listener = start_one(fixture);
    connect_many(listener, clients, 3);
    turn(fixture);
    assert_int_equal(fixture->count, 3);
    fixture->reclaimable = 2;
    clients[3] = test_connect(&listener->address);
    turn(fixture);
    assert_int_equal(fixture->count, 2);
    assert_int_equal(fixture->reclaimable, 0);
    assert_int_equal(fixture->counted[COH_COUNTED_RECLAIMED], 2);
    assert_false(fixture->intake.is_paused);
    close_many(clients, 4);
}

/* Without descriptors: the reserve serves one more, then it waits, and goes on
   when one is free. */
static void
test_descriptors(void **state)
{
    struct fixture *fixture = *state;
    struct coh_listener *listener = start_one(fixture);
    struct test_fd_limit limit;
    int clients[4];

    connect_many(listener, clients, 4);
    limit = test_limit_fds(1);
    turn(fixture);
    assert_int_equal(fixture->count, 2); /* the last one, and the reserve */
    assert_true(fixture->intake.is_paused);
    assert_int_equal(fixture->intake.reserve, -1);
    assert_int_equal(fixture->counted[COH_COUNTED_ACCEPT_ERRORS], 1);
    close_first(fixture); /* becomes the reserve again */
    assert_false(fixture->intake.is_paused);
    assert_true(fixture->intake.reserve >= 0);
    turn(fixture);
    assert_int_equal(fixture->count, 2);
    assert_true(fixture->intake.is_paused);
    test_unlimit_fds(&limit);
    /* Nobody closes anything, but there is room again: found by looking. */
    for (int i = 0; i < 300 && fixture->count < 4; i++) {
        event_base_loop(fixture->loop.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
        usleep(2000);
    }
    assert_int_equal(fixture->count, 3);
    close_many(clients, 4);
}

static void
test_drain(void **state)
{
    struct fixture *fixture = *state;
    struct coh_listener *listener = start_one(fixture);
    int clients[2];

    connect_many(listener, clients, 1);
    turn(fixture);
    coh_intake_drain(&fixture->intake);
    coh_intake_drain(&fixture->intake);
    clients[1] = test_connect(&listener->address);
    turn(fixture);
    assert_int_equal(fixture->count, 1);
    close_first(fixture);
    assert_int_equal(coh_intake_open_count(&fixture->intake), 0);
    close_many(clients, 2);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_covered),     TEST(test_full),  TEST(test_reclaim),
        TEST(test_descriptors), TEST(test_drain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
