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

#define TEST(test)                                                             \
    cmocka_unit_test_setup_teardown(test, channel_setup, channel_teardown)

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_lost_descriptors),
        TEST(test_lost_descriptors_that_matter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
