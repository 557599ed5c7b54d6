/* Descriptors for which a process has no room. */
#include <string.h>

#include "tests/core/limit.h"
#include "tests/server/channel_fixture.h"

static void
test_lost_descriptors(void **state)
{
    struct channel_fixture *fixture = *state;
    struct channel_raw raw = {
        .header = {8, COH_FRAME_CONNECTIONS, COH_FRAME_VERSION, 3}};
    struct test_fd_limit limit;

    channel_send_raw(fixture, &raw, 16, 3);
    limit = test_limit_fds(1);
    channel_turn(fixture);
    test_unlimit_fds(&limit);
    assert_int_equal(fixture->called, 1);
    assert_int_equal(fixture->last_lost, 3);
    assert_int_equal(fixture->last_fds, 0);
    assert_int_equal(fixture->gone, 0);
}

static void
test_lost_descriptors_that_matter(void **state)
{
    struct channel_fixture *fixture = *state;
    struct channel_raw raw = {
        .header = {8, COH_FRAME_LOG, COH_FRAME_VERSION, 2}};
    struct test_fd_limit limit;

    channel_send_raw(fixture, &raw, 16, 2);
    limit = test_limit_fds(1);
    channel_turn(fixture);
    test_unlimit_fds(&limit);
    assert_channel_refused(fixture);
}

/* Frames that found the socket full share a packet. */
static void
test_lost_descriptors_of_one_frame_among_others(void **state)
{
    struct channel_fixture *fixture = *state;
    const struct {
        struct coh_frame_header first;
        unsigned char first_bytes[8];
        struct coh_frame_header second;
        unsigned char second_bytes[8];
        struct coh_frame_header third;
        unsigned char third_bytes[8];
    } packet = {
        .first = {8, COH_FRAME_CONNECTIONS, COH_FRAME_VERSION, 3},
        .second = {8, COH_FRAME_LOG, COH_FRAME_VERSION, 0},
        .second_bytes = "between",
        .third = {8, COH_FRAME_CONNECTIONS, COH_FRAME_VERSION, 1},
    };
    struct test_fd_limit limit;

    channel_send_raw(fixture, &packet, sizeof(packet), 4);
    limit = test_limit_fds(1);
    channel_turn(fixture);
    test_unlimit_fds(&limit);
    assert_int_equal(fixture->called, 3);
    assert_int_equal(fixture->last_lost, 1);
    assert_int_equal(fixture->fds_seen, 0);
    assert_string_equal(fixture->last, "between");
    assert_int_equal(fixture->gone, 0);
}

/* What has not come is not there, whatever its frame says. */
static void
test_lost_descriptors_of_a_short_packet(void **state)
{
    struct channel_fixture *fixture = *state;
    struct channel_raw raw = {
        .header = {64, COH_FRAME_CONNECTIONS, COH_FRAME_VERSION, 3}};
    struct test_fd_limit limit;

    channel_send_raw(fixture, &raw, 16, 3);
    limit = test_limit_fds(1);
    channel_turn(fixture);
    test_unlimit_fds(&limit);
    assert_channel_refused(fixture);
}

#define WHOLE_SIZE 56 /* of a frame that comes in fragments */

static void
send_part(
    struct channel_fixture *fixture, uint32_t offset, size_t size,
    size_t fd_count)
{
    const struct coh_frame_header inner = {
        WHOLE_SIZE - sizeof(inner), COH_FRAME_CONNECTIONS, COH_FRAME_VERSION,
        2};
    struct {
        struct coh_frame_header header;
        struct coh_frame_fragment fragment;
        unsigned char bytes[WHOLE_SIZE];
    } part = {
        .header =
            {(uint32_t)(sizeof(part.fragment) + size), COH_FRAME_FRAGMENT,
             COH_FRAME_VERSION, (uint8_t)fd_count},
        .fragment = {.total = WHOLE_SIZE, .offset = offset},
    };
    struct test_fd_limit limit;

    if (offset == 0) {
        memcpy(part.bytes, &inner, sizeof(inner));
    }
    channel_send_raw(
        fixture, &part, sizeof(part.header) + sizeof(part.fragment) + size,
        fd_count);
    limit = test_limit_fds(1);
    channel_turn(fixture);
    test_unlimit_fds(&limit);
}

static void
test_lost_descriptors_of_the_last_fragment(void **state)
{
    struct channel_fixture *fixture = *state;

    send_part(fixture, 0, 40, 0);
    send_part(fixture, 40, WHOLE_SIZE - 40, 2);
    assert_int_equal(fixture->called, 1);
    assert_int_equal(
        fixture->last_size, WHOLE_SIZE - sizeof(struct coh_frame_header));
    assert_int_equal(fixture->last_lost, 2);
    assert_int_equal(fixture->gone, 0);
}

static void
test_lost_descriptors_of_an_early_fragment(void **state)
{
    send_part(*state, 0, 40, 2);
    assert_channel_refused(*state);
}

#define TEST(test)                                                             \
    cmocka_unit_test_setup_teardown(test, channel_setup, channel_teardown)

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_lost_descriptors),
        TEST(test_lost_descriptors_that_matter),
        TEST(test_lost_descriptors_of_one_frame_among_others),
        TEST(test_lost_descriptors_of_a_short_packet),
        TEST(test_lost_descriptors_of_the_last_fragment),
        TEST(test_lost_descriptors_of_an_early_fragment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
