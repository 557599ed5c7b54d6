/* Which limit a worker is over, and who is replaced when. */
#include "server/primary/recycle.h"

#include <event2/event.h>
#include <string.h>

#include "core/event.h"
#include "tests/core/test.h"

#define MIB (1024 * 1024)

struct fixture {
    struct coh_loop loop;
    struct coh_recycle group;
    struct coh_recycled workers[3];
    const struct coh_recycled *replaced;
    unsigned replace_count;
    bool is_settled;
};

static uint64_t
served(const struct coh_recycled *worker)
{
    const struct fixture *fixture = worker->group->user;

    return worker == &fixture->workers[1] ? 1000 : 1;
}

static bool
is_settled(const struct coh_recycle *group)
{
    return ((const struct fixture *)group->user)->is_settled;
}

static int
replace(struct coh_recycled *worker, const char *limit, const char *why)
{
    struct fixture *fixture = worker->group->user;

    assert_string_equal(limit, "max_requests");
    assert_non_null(strstr(why, "max_requests is 1000"));
    fixture->replaced = worker;
    fixture->replace_count++;
    return 0;
}

static int
setup(void **state)
{
    static struct fixture fixture;

    memset(&fixture, 0, sizeof(fixture));
    fixture.is_settled = true;
    fixture.group = (struct coh_recycle){
        .loop = &fixture.loop,
        .user = &fixture,
        .served = served,
        .is_settled = is_settled,
        .replace = replace,
    };
    if (coh_loop_init(&fixture.loop, NULL) < 0) {
        return -1;
    }
    coh_recycle_init(&fixture.group);
    *state = &fixture;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *fixture = *state;

    coh_recycle_fini(&fixture->group);
    coh_loop_fini(&fixture->loop);
    return 0;
}

static void
look(struct fixture *fixture)
{
    event_active(&fixture->group.look, EV_TIMEOUT, 1);
    event_base_loop(fixture->loop.base, EVLOOP_NONBLOCK);
}

static void
add_all(struct fixture *fixture)
{
    for (size_t i = 0; i < 3; i++) {
        coh_recycle_add(
            &fixture->group, &fixture->workers[i], 0, coh_monotonic_ms());
    }
}

static void
test_each_limit_has_its_words(void **state)
{
    struct fixture *fixture = *state;
    struct coh_recycled *worker = &fixture->workers[0];
    char why[COH_RECYCLE_WHY_MAX];

    fixture->group.limits = (struct coh_upkeep){
        .max_rss = 64 * MIB, .max_requests = 5, .max_age_ms = 5};
    coh_recycle_add(&fixture->group, worker, 0, 100);
    assert_null(coh_recycle_limit(worker, 104, 4, 64 * MIB, why));
    assert_string_equal(
        coh_recycle_limit(worker, 104, 4, 65 * MIB, why), "max_rss");
    assert_non_null(strstr(why, "it has 65.0 MiB of memory, and max_rss"));
    assert_string_equal(
        coh_recycle_limit(worker, 104, 5, 0, why), "max_requests");
    assert_non_null(strstr(why, "it has served 5 requests"));
    assert_string_equal(coh_recycle_limit(worker, 105, 4, 0, why), "max_age");
    assert_non_null(strstr(why, "max_age is 0 s"));
}

static void
test_no_limit_is_never_over(void **state)
{
    struct fixture *fixture = *state;
    char why[COH_RECYCLE_WHY_MAX];

    coh_recycle_add(&fixture->group, &fixture->workers[0], 0, 0);
    assert_null(coh_recycle_limit(
        &fixture->workers[0], UINT64_MAX, UINT64_MAX, UINT64_MAX, why));
    assert_false(event_pending(&fixture->group.look, EV_TIMEOUT, NULL));
}

static void
test_limits_are_spread_by_a_tenth(void **state)
{
    struct fixture *fixture = *state;
    uint64_t lowest = UINT64_MAX;
    uint64_t highest = 0;

    fixture->group.limits.max_requests = 1000;
    for (int i = 0; i < 500; i++) {
        struct coh_recycled *worker = &fixture->workers[0];

        coh_recycle_add(&fixture->group, worker, 0, 0);
        lowest = worker->max_requests < lowest ? worker->max_requests : lowest;
        highest =
            worker->max_requests > highest ? worker->max_requests : highest;
        coh_recycle_remove(worker);
    }
    assert_in_range(lowest, 900, 920);
    assert_in_range(highest, 980, 1000);
}

static void
test_who_is_over_is_replaced_once_all_serve(void **state)
{
    struct fixture *fixture = *state;

    fixture->group.limits.max_requests = 1000;
    add_all(fixture);
    fixture->is_settled = false;
    look(fixture);
    assert_int_equal(fixture->replace_count, 0);
    fixture->is_settled = true;
    look(fixture);
    assert_int_equal(fixture->replace_count, 1);
    assert_ptr_equal(fixture->replaced, &fixture->workers[1]);
    coh_recycle_remove(&fixture->workers[1]);
    look(fixture);
    assert_int_equal(fixture->replace_count, 1);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_each_limit_has_its_words),
        TEST(test_no_limit_is_never_over),
        TEST(test_limits_are_spread_by_a_tenth),
        TEST(test_who_is_over_is_replaced_once_all_serve),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
