/* Messages that come in fragments, and fragments of none. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/server/channel_fixture.h"

static void
test_long_message(void **state)
{
    struct channel_fixture *fixture = *state;
    unsigned char *large = malloc(CHANNEL_LONG_MAX);
    int fds[2] = {STDIN_FILENO, STDIN_FILENO};
    struct coh_channel sender;

    /* The other end becomes a channel, too. */
    assert_int_equal(
        coh_channel_init(
            &sender, &fixture->loop, fixture->peer, &channel_role, fixture,
            &fixture->log),
        0);
    fixture->peer = -1;
    for (size_t i = 0; i < CHANNEL_LONG_MAX; i++) {
        large[i] = (unsigned char)(i * i >> 3);
    }
    assert_int_equal(
        coh_channel_send_fds(
            &sender, COH_FRAME_LOG, large, CHANNEL_LONG_MAX, fds, 2),
        0);
    assert_int_equal(coh_channel_send(&sender, COH_FRAME_LOG, "tail", 4), 0);
    for (int i = 0; i < 40 && fixture->called < 2; i++) {
        event_base_loop(fixture->loop.base, EVLOOP_NONBLOCK);
    }
    assert_int_equal(fixture->called, 2);
    assert_int_equal(fixture->fds_seen, 2);
    /* The short one came last, over the beginning of the long one. */
    assert_int_equal(fixture->last_size, 4);
    assert_memory_equal(fixture->last, "tail", 4);
    assert_memory_equal(fixture->last + 4, large + 4, CHANNEL_LONG_MAX - 4);
    assert_false(coh_channel_is_pending(&sender));
    coh_channel_fini(&sender);
    free(large);
}

struct raw_fragment {
    struct coh_frame_header outer;
    struct coh_frame_fragment fragment;
    struct coh_frame_header inner;
    unsigned char bytes[32];
};

static struct raw_fragment
first_fragment(void)
{
    return (struct raw_fragment){
        .outer =
            {sizeof(struct raw_fragment) - 8, COH_FRAME_FRAGMENT,
             COH_FRAME_VERSION, 0},
        .fragment = {.total = 108, .offset = 0},
        .inner = {100, COH_FRAME_LOG, COH_FRAME_VERSION, 0},
    };
}

static void
send_fragment(
    struct channel_fixture *fixture, struct raw_fragment fragment,
    size_t fd_count)
{
    fragment.outer.fd_count = (uint8_t)fd_count;
    channel_send_raw(fixture, &fragment, sizeof(fragment), fd_count);
    channel_turn(fixture);
}

static void
test_fragment_of_unknown_type(void **state)
{
    struct raw_fragment fragment = first_fragment();

    fragment.inner.type = 999;
    send_fragment(*state, fragment, 0);
    assert_channel_refused(*state);
}

/* Nothing is allocated for what could never be delivered. */
static void
test_fragment_of_too_much(void **state)
{
    struct raw_fragment fragment = first_fragment();

    fragment.fragment.total = UINT32_MAX;
    fragment.inner.size = UINT32_MAX - 8;
    send_fragment(*state, fragment, 0);
    assert_channel_refused(*state);
}

static void
test_fragment_totals_differ(void **state)
{
    struct raw_fragment fragment = first_fragment();

    fragment.fragment.total = 109;
    send_fragment(*state, fragment, 0);
    assert_channel_refused(*state);
}

static void
test_fragment_without_beginning(void **state)
{
    struct raw_fragment fragment = first_fragment();

    fragment.fragment.offset = 40;
    send_fragment(*state, fragment, 0);
    assert_channel_refused(*state);
}

static void
test_fragment_with_a_gap(void **state)
{
    struct raw_fragment fragment = first_fragment();

    send_fragment(*state, fragment, 0);
    fragment.fragment.offset = 41;
    send_fragment(*state, fragment, 0);
    assert_channel_refused(*state);
}

static void
test_fragment_too_long(void **state)
{
    struct raw_fragment fragment = first_fragment();

    for (unsigned i = 0; i < 3; i++) {
        fragment.fragment.offset = i * 40;
        send_fragment(*state, fragment, 0);
    }
    assert_channel_refused(*state);
}

static void
test_fragment_with_early_descriptors(void **state)
{
    send_fragment(*state, first_fragment(), 1);
    assert_channel_refused(*state);
}

static void
test_fragment_begun_twice(void **state)
{
    send_fragment(*state, first_fragment(), 0);
    send_fragment(*state, first_fragment(), 0);
    assert_channel_refused(*state);
}

#define TEST(test)                                                             \
    cmocka_unit_test_setup_teardown(test, channel_setup, channel_teardown)

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_long_message),
        TEST(test_fragment_of_unknown_type),
        TEST(test_fragment_of_too_much),
        TEST(test_fragment_totals_differ),
        TEST(test_fragment_without_beginning),
        TEST(test_fragment_with_a_gap),
        TEST(test_fragment_too_long),
        TEST(test_fragment_with_early_descriptors),
        TEST(test_fragment_begun_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
