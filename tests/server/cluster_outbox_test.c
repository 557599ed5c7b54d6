/* Who is told that a message was written, and when. */
#include "server/cluster/outbox.h"

#include <errno.h>

#include "core/event.h"
#include "tests/core/test.h"

static struct coh_loop loop;
static int results[8];
static unsigned count;

static int
setup(void **state)
{
    (void)state;
    count = 0;
    return coh_loop_init(&loop, NULL);
}

static int
teardown(void **state)
{
    (void)state;
    coh_loop_fini(&loop);
    return 0;
}

static void
on_sent(int result, void *user)
{
    (void)user;
    results[count++] = result;
}

static void
turn(void)
{
    event_base_loop(loop.base, EVLOOP_NONBLOCK);
}

static void
test_told_from_the_loop_even_if_it_was_written_at_once(void **state)
{
    struct coh_outbox outbox;

    (void)state;
    coh_outbox_init(&outbox, &loop);
    assert_int_equal(coh_outbox_add(&outbox, 0, on_sent, NULL), 0);
    assert_int_equal(count, 0);
    turn();
    assert_int_equal(count, 1);
    assert_int_equal(results[0], 0);
    coh_outbox_fini(&outbox);
}

static void
test_told_when_the_mark_is_reached(void **state)
{
    struct coh_outbox outbox;

    (void)state;
    coh_outbox_init(&outbox, &loop);
    coh_outbox_add(&outbox, 100, on_sent, NULL);
    coh_outbox_add(&outbox, 200, on_sent, NULL);
    turn();
    assert_int_equal(count, 0);
    coh_outbox_reach(&outbox, 150);
    turn();
    assert_int_equal(count, 1);
    coh_outbox_reach(&outbox, 200);
    turn();
    assert_int_equal(count, 2);
    coh_outbox_fini(&outbox);
}

static void
test_the_rest_fails_when_the_channel_ends(void **state)
{
    struct coh_outbox outbox;

    (void)state;
    coh_outbox_init(&outbox, &loop);
    coh_outbox_add(&outbox, 100, on_sent, NULL);
    coh_outbox_add(&outbox, 200, on_sent, NULL);
    coh_outbox_reach(&outbox, 100);
    coh_outbox_end(&outbox);
    turn();
    assert_int_equal(count, 2);
    assert_int_equal(results[0], 0);
    assert_int_equal(results[1], -EPIPE);
    coh_outbox_fini(&outbox);
}

static void
test_the_rest_is_told_at_once_where_no_turn_follows(void **state)
{
    struct coh_outbox outbox;

    (void)state;
    coh_outbox_init(&outbox, &loop);
    coh_outbox_add(&outbox, 100, on_sent, NULL);
    coh_outbox_call(&outbox);
    assert_int_equal(count, 0);
    coh_outbox_end(&outbox);
    coh_outbox_call(&outbox);
    assert_int_equal(count, 1);
    assert_int_equal(results[0], -EPIPE);
    turn();
    assert_int_equal(count, 1);
    coh_outbox_fini(&outbox);
}

static void
test_nobody_is_told_after_the_end(void **state)
{
    struct coh_outbox outbox;

    (void)state;
    coh_outbox_init(&outbox, &loop);
    coh_outbox_add(&outbox, 0, on_sent, NULL);
    coh_outbox_fini(&outbox);
    turn();
    assert_int_equal(count, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_told_from_the_loop_even_if_it_was_written_at_once, setup,
            teardown),
        cmocka_unit_test_setup_teardown(
            test_told_when_the_mark_is_reached, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_the_rest_fails_when_the_channel_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_the_rest_is_told_at_once_where_no_turn_follows, setup,
            teardown),
        cmocka_unit_test_setup_teardown(
            test_nobody_is_told_after_the_end, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
