/* Frames that are refused: the channel is closed and nothing is left behind. */
#include <string.h>

#include "tests/server/channel_fixture.h"

static void
test_unknown_type(void **state)
{
    channel_send_frame(*state, 999, 4, 1, 1);
    assert_channel_refused(*state);
}

static void
test_wrong_state(void **state)
{
    channel_send_frame(*state, COH_FRAME_DRAIN, 0, 0, 0);
    assert_channel_refused(*state);
}

static void
test_too_short(void **state)
{
    channel_send_frame(*state, COH_FRAME_LOG, 3, 1, 1);
    assert_channel_refused(*state);
}

static void
test_too_long(void **state)
{
    channel_send_frame(*state, COH_FRAME_HELLO, 20, 0, 0);
    assert_channel_refused(*state);
}

static void
test_descriptors_missing(void **state)
{
    channel_send_frame(*state, COH_FRAME_CONNECTIONS, 8, 0, 0);
    assert_channel_refused(*state);
}

static void
test_descriptors_claimed(void **state)
{
    channel_send_frame(*state, COH_FRAME_CONNECTIONS, 8, 3, 2);
    assert_channel_refused(*state);
}

static void
test_descriptors_too_many(void **state)
{
    channel_send_frame(*state, COH_FRAME_LOG, 8, 3, 3);
    assert_channel_refused(*state);
}

static void
test_descriptors_unclaimed(void **state)
{
    struct channel_fixture *fixture = *state;

    channel_send_frame(fixture, COH_FRAME_LOG, 8, 1, COH_FDPASS_MAX);
    assert_int_equal(fixture->called, 1);
    assert_int_equal(fixture->gone, 1);
}

static void
test_truncated_header(void **state)
{
    channel_send_raw(*state, "\x04\0\0\0\x03", 5, 1);
    channel_turn(*state);
    assert_channel_refused(*state);
}

static void
test_truncated_frame(void **state)
{
    struct channel_raw raw = {
        .header = {60, COH_FRAME_LOG, COH_FRAME_VERSION, 0}};

    channel_send_raw(*state, &raw, 40, 2);
    channel_turn(*state);
    assert_channel_refused(*state);
}

static void
test_wrong_version(void **state)
{
    struct channel_raw raw = {.header = {4, COH_FRAME_LOG, 77, 0}};

    channel_send_raw(*state, &raw, 12, 0);
    channel_turn(*state);
    assert_channel_refused(*state);
}

static void
test_oversized_packet(void **state)
{
    static unsigned char large[COH_PACKET_MAX + 8];
    struct coh_frame_header header = {
        COH_PACKET_MAX, COH_FRAME_LOG, COH_FRAME_VERSION, 0};

    memcpy(large, &header, sizeof(header));
    channel_send_raw(*state, large, sizeof(large), 1);
    channel_turn(*state);
    assert_channel_refused(*state);
}

static void
test_descriptors_alone(void **state)
{
    channel_send_raw(*state, "", 0, 5);
    channel_turn(*state);
    assert_channel_refused(*state);
}

static void
test_garbage(void **state)
{
    unsigned char garbage[256];

    for (size_t i = 0; i < sizeof(garbage); i++) {
        garbage[i] = (unsigned char)(i * 37 + 11);
    }
    channel_send_raw(*state, garbage, sizeof(garbage), 7);
    channel_turn(*state);
    assert_channel_refused(*state);
}

#define TEST(test)                                                             \
    cmocka_unit_test_setup_teardown(test, channel_setup, channel_teardown)

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_unknown_type),
        TEST(test_wrong_state),
        TEST(test_too_short),
        TEST(test_too_long),
        TEST(test_descriptors_missing),
        TEST(test_descriptors_claimed),
        TEST(test_descriptors_too_many),
        TEST(test_descriptors_unclaimed),
        TEST(test_truncated_header),
        TEST(test_truncated_frame),
        TEST(test_wrong_version),
        TEST(test_oversized_packet),
        TEST(test_descriptors_alone),
        TEST(test_garbage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
