/* Whose turn it is among workers that see each other's counts. */
#include "server/accept/turns.h"

#include <stdlib.h>
#include <string.h>

#include "tests/core/test.h"

#define PLACE_COUNT 4
#define START_US 1000000
#define PATIENCE COH_TURNS_PATIENCE_US

struct fixture {
    struct coh_turns_area *area;
    struct coh_turns workers[3];
    struct coh_turns *own;
    struct coh_turns *other;
};

/* Two take part and are in a burst; the third place is free. */
static int
setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    size_t size = coh_turns_area_size(PLACE_COUNT);

    fixture->area = aligned_alloc(COH_TURNS_LINE, size);
    memset(fixture->area, 0, size);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(
            coh_turns_init(&fixture->workers[i], fixture->area, PLACE_COUNT, i),
            0);
    }
    for (unsigned i = 0; i < 2; i++) {
        coh_turns_come(fixture->area, i);
        coh_turns_join(&fixture->workers[i]);
        coh_turns_must_wait(&fixture->workers[i], START_US);
    }
    fixture->own = &fixture->workers[0];
    fixture->other = &fixture->workers[1];
    *state = fixture;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *fixture = *state;

    for (unsigned i = 0; i < 3; i++) {
        coh_turns_fini(&fixture->workers[i]);
    }
    free(fixture->area);
    free(fixture);
    return 0;
}

static void
count(struct coh_turns *turns, unsigned times)
{
    while (times-- > 0) {
        coh_turns_count(turns);
    }
}

static void
test_as_many_nobody_waits(void **state)
{
    struct fixture *fixture = *state;

    count(fixture->own, 3);
    count(fixture->other, 3);
    assert_false(coh_turns_must_wait(fixture->own, START_US + 1));
    assert_false(coh_turns_must_wait(fixture->other, START_US + 1));
    assert_false(coh_turns_is_behind(fixture->own));
}

static void
test_ahead_waits_until_the_other_has_caught_up(void **state)
{
    struct fixture *fixture = *state;

    count(fixture->own, 1);
    assert_true(coh_turns_must_wait(fixture->own, START_US + 10));
    assert_int_equal(coh_turns_waited_us(fixture->own, START_US + 50), 40);
    assert_false(coh_turns_is_behind(fixture->own));
    count(fixture->other, 1);
    assert_false(coh_turns_must_wait(fixture->own, START_US + 60));
    assert_int_equal(coh_turns_waited_us(fixture->own, START_US + 60), 0);
}

static void
test_behind_does_not_wait(void **state)
{
    struct fixture *fixture = *state;

    count(fixture->other, 2);
    assert_false(coh_turns_must_wait(fixture->own, START_US + 1));
    assert_true(coh_turns_is_behind(fixture->own));
    count(fixture->own, 1);
    assert_true(coh_turns_is_behind(fixture->own));
    count(fixture->own, 1);
    assert_false(coh_turns_is_behind(fixture->own));
}

static void
test_taken_back_it_does_not_count(void **state)
{
    struct fixture *fixture = *state;

    count(fixture->own, 1);
    coh_turns_discount(fixture->own);
    assert_false(coh_turns_must_wait(fixture->own, START_US + 1));
}

static void
test_late_is_waited_for_once(void **state)
{
    struct fixture *fixture = *state;

    count(fixture->own, 1);
    assert_true(coh_turns_must_wait(fixture->own, START_US));
    assert_true(coh_turns_must_wait(fixture->own, START_US + PATIENCE - 1));
    assert_false(coh_turns_must_wait(fixture->own, START_US + PATIENCE));
    count(fixture->own, 1);
    assert_false(coh_turns_must_wait(fixture->own, START_US + PATIENCE + 1));
    /* It moves: that counts again. */
    count(fixture->other, 1);
    assert_true(coh_turns_must_wait(fixture->own, START_US + PATIENCE + 2));
}

static void
test_who_moves_is_not_late(void **state)
{
    struct fixture *fixture = *state;

    count(fixture->own, 3);
    assert_true(coh_turns_must_wait(fixture->own, START_US));
    count(fixture->other, 1);
    assert_true(coh_turns_must_wait(fixture->own, START_US + PATIENCE));
    assert_true(coh_turns_must_wait(fixture->own, START_US + 2 * PATIENCE - 1));
    assert_false(coh_turns_must_wait(fixture->own, START_US + 2 * PATIENCE));
}

static void
test_far_behind_is_not_waited_for(void **state)
{
    struct fixture *fixture = *state;

    count(fixture->own, COH_TURNS_FAR);
    assert_true(coh_turns_must_wait(fixture->own, START_US));
    count(fixture->own, 1);
    assert_false(coh_turns_must_wait(fixture->own, START_US + 1));
    /* And counts as even when it comes. */
    assert_false(coh_turns_must_wait(fixture->other, START_US + 2));
    assert_false(coh_turns_is_behind(fixture->other));
}

static void
test_the_first_of_a_burst_is_free(void **state)
{
    struct fixture *fixture = *state;
    uint64_t later_us = START_US + COH_TURNS_BURST_US + 1;

    count(fixture->own, 1);
    assert_false(coh_turns_must_wait(fixture->own, later_us));
    assert_true(coh_turns_must_wait(fixture->own, later_us + 1));
}

static void
test_gone_is_not_waited_for(void **state)
{
    struct fixture *fixture = *state;

    count(fixture->own, 1);
    assert_true(coh_turns_must_wait(fixture->own, START_US));
    coh_turns_gone(fixture->area, fixture->other->own);
    assert_false(coh_turns_must_wait(fixture->own, START_US + 1));
    coh_turns_expect(fixture->area, fixture->other->own);
    assert_true(coh_turns_must_wait(fixture->own, START_US + 2));
    coh_turns_leave(fixture->other);
    assert_false(coh_turns_must_wait(fixture->own, START_US + 3));
}

static void
test_a_newcomer_begins_where_the_others_are(void **state)
{
    struct fixture *fixture = *state;
    struct coh_turns *newcomer = &fixture->workers[2];

    count(fixture->own, 100);
    count(fixture->other, 100);
    coh_turns_come(fixture->area, newcomer->own);
    coh_turns_join(newcomer);
    assert_false(coh_turns_must_wait(fixture->own, START_US));
    assert_false(coh_turns_is_behind(newcomer));
    count(fixture->own, 1);
    assert_true(coh_turns_must_wait(fixture->own, START_US));
}

static void
test_counts_wrap_around(void **state)
{
    struct fixture *fixture = *state;

    coh_turns_discount(fixture->own);
    coh_turns_discount(fixture->other);
    count(fixture->own, 2);
    assert_true(coh_turns_must_wait(fixture->own, START_US));
    count(fixture->other, 2);
    assert_false(coh_turns_must_wait(fixture->own, START_US));
}

static void
test_what_is_behind_the_end_is_not_looked_at(void **state)
{
    struct fixture *fixture = *state;

    atomic_store(&fixture->area->end, UINT32_MAX); /* nonsense, survived */
    count(fixture->own, 1);
    assert_true(coh_turns_must_wait(fixture->own, START_US));
    atomic_store(&fixture->area->end, 1);
    assert_false(coh_turns_must_wait(fixture->own, START_US));
}

static void
test_alone_or_not(void **state)
{
    struct fixture *fixture = *state;

    assert_true(coh_turns_has_others(fixture->own));
    coh_turns_leave(fixture->other);
    assert_false(coh_turns_has_others(fixture->own));
    assert_true(coh_turns_has_others(fixture->other));
    /* Who has no place is there all the same. */
    atomic_store(&fixture->area->outsider_count, 1);
    assert_true(coh_turns_has_others(fixture->own));
}

#define TURNS_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TURNS_TEST(test_as_many_nobody_waits),
        TURNS_TEST(test_ahead_waits_until_the_other_has_caught_up),
        TURNS_TEST(test_behind_does_not_wait),
        TURNS_TEST(test_taken_back_it_does_not_count),
        TURNS_TEST(test_late_is_waited_for_once),
        TURNS_TEST(test_who_moves_is_not_late),
        TURNS_TEST(test_far_behind_is_not_waited_for),
        TURNS_TEST(test_the_first_of_a_burst_is_free),
        TURNS_TEST(test_gone_is_not_waited_for),
        TURNS_TEST(test_a_newcomer_begins_where_the_others_are),
        TURNS_TEST(test_counts_wrap_around),
        TURNS_TEST(test_what_is_behind_the_end_is_not_looked_at),
        TURNS_TEST(test_alone_or_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
