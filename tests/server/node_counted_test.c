/* Connections that a Node primary counts: kept while they are open, and no
   longer, whether it asks or not. */
#include "server/cluster/node_counted.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/channel/node_channel.h"
#include "tests/core/test.h"
#include "tests/server/node_peer.h"

#define KEY "\"4:127.0.0.1:80\""
#define OPEN_COUNT 5

static struct node_peer peer;
static struct coh_node_channel channel;
static struct coh_node_counted counted;
static int fds[OPEN_COUNT];

static void
on_message(struct coh_node_channel *one, struct coh_node_message *message)
{
    (void)one;
    (void)message;
}

static void
on_passed(struct coh_node_channel *one, uint64_t token, bool was_taken)
{
    (void)one;
    (void)token;
    (void)was_taken;
}

static void
on_state(struct coh_node_channel *one)
{
    (void)one;
}

static const struct coh_node_channel_role role = {
    .peer = "primary",
    .message = on_message,
    .internal = on_message,
    .passed = on_passed,
    .drained = on_state,
    .gone = on_state,
};

static int
setup(void **state)
{
    (void)state;
    node_peer_init(&peer);
    assert_int_equal(
        coh_node_channel_init(
            &channel, &peer.loop, peer.ours, &role, NULL, &peer.log),
        0);
    coh_node_counted_init(&counted, &channel, &peer.loop);
    for (int i = 0; i < OPEN_COUNT; i++) {
        fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(fds[i] >= 0);
    }
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    coh_node_counted_fini(&counted);
    coh_node_channel_fini(&channel);
    for (int i = 0; i < OPEN_COUNT; i++) {
        close(fds[i]);
    }
    node_peer_fini(&peer);
    return 0;
}

/* A connection that comes and goes. */
static void
come_and_go(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    coh_node_counted_add(&counted, cohort_str(KEY), fd);
    close(fd);
}

static void
expect_count(unsigned count)
{
    char answer[128];

    coh_node_counted_answer(
        &counted,
        cohort_str("{\"cmd\":\"NODE_SOCKET_GET_COUNT\",\"key\":" KEY "}"));
    node_peer_run(&peer);
    snprintf(
        answer, sizeof(answer),
        "{\"cmd\":\"NODE_SOCKET_COUNT\",\"key\":" KEY ",\"count\":%u}\n",
        count);
    node_peer_expect(&peer, answer);
}

static void
test_a_primary_that_never_asks_costs_no_memory(void **state)
{
    size_t most = 0;

    (void)state;
    for (int i = 0; i < OPEN_COUNT; i++) {
        coh_node_counted_add(&counted, cohort_str(KEY), fds[i]);
    }
    for (int i = 0; i < 5000; i++) {
        come_and_go();
        most = counted.count > most ? counted.count : most;
    }
    assert_in_range(most, OPEN_COUNT, 100);
    expect_count(OPEN_COUNT);
}

static void
test_those_that_are_open_are_all_kept(void **state)
{
    int many[1000];
    int i;

    (void)state;
    for (i = 0; i < 1000; i++) {
        many[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (many[i] < 0) {
            assert_int_equal(errno, EMFILE);
            break;
        }
        coh_node_counted_add(&counted, cohort_str(KEY), many[i]);
    }
    assert_true(i > 200);
    expect_count((unsigned)i);
    while (i-- > 0) {
        close(many[i]);
    }
    expect_count(0);
    assert_int_equal(counted.count, 0);
}

static void
test_the_last_one_is_told_though_others_come_and_go(void **state)
{
    (void)state;
    coh_node_counted_add(&counted, cohort_str(KEY), fds[0]);
    coh_node_counted_answer(
        &counted,
        cohort_str("{\"cmd\":\"NODE_SOCKET_NOTIFY_CLOSE\",\"key\":" KEY "}"));
    for (int i = 0; i < 500; i++) {
        come_and_go();
    }
    node_peer_run(&peer);
    node_peer_expect(&peer, "");
    close(fds[0]);
    event_base_loop(peer.loop.base, EVLOOP_ONCE); /* it looks now and then */
    node_peer_expect(
        &peer, "{\"cmd\":\"NODE_SOCKET_ALL_CLOSED\",\"key\":" KEY "}\n");
    fds[0] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_a_primary_that_never_asks_costs_no_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_those_that_are_open_are_all_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_the_last_one_is_told_though_others_come_and_go, setup,
            teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
