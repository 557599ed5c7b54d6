/* Connections that stay, that go, and what comes behind a pause. */
#include "server/accept/churn.h"

#include "tests/core/test.h"

#define START_MS 1000000

static struct coh_churn churn;
static uint64_t now_ms;
static unsigned open_count;

static int
setup(void **state)
{
    (void)state;
    churn = (struct coh_churn){.last_ms = 0};
    now_ms = START_MS;
    open_count = 0;
    return 0;
}

static void
come(unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        coh_churn_count(&churn, open_count++, now_ms++);
    }
}

/* Each that comes lets another one go; some are always open. */
static void
come_and_go(unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        come(1);
        open_count--;
    }
}

static void
a_burst_that_stays_is_none(void **state)
{
    (void)state;
    come(1000);
    assert_false(coh_churn_is_high(&churn));
}

static void
a_few_are_not_judged(void **state)
{
    (void)state;
    come_and_go(COH_CHURN_MIN);
    assert_false(coh_churn_is_high(&churn));
}

static void
what_comes_and_goes_is_seen_among_those_that_stay(void **state)
{
    (void)state;
    come(4);
    come_and_go(100);
    assert_true(coh_churn_is_high(&churn));
}

static void
clients_that_overlap_are_seen_too(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 32; i++) {
        come(8); /* eight at a time, of which all go before the next eight */
        open_count -= 8;
    }
    assert_true(coh_churn_is_high(&churn));
}

static void
a_pause_begins_anew(void **state)
{
    (void)state;
    come_and_go(100);
    now_ms += COH_CHURN_PAUSE_MS + 1;
    come(1);
    assert_false(coh_churn_is_high(&churn));
    come(100);
    assert_false(coh_churn_is_high(&churn));
}

static void
it_ends_when_they_stay_without_a_pause(void **state)
{
    (void)state;
    come_and_go(1000);
    assert_true(coh_churn_is_high(&churn));
    come(2 * COH_CHURN_MAX);
    assert_false(coh_churn_is_high(&churn));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_burst_that_stays_is_none, setup),
        cmocka_unit_test_setup(a_few_are_not_judged, setup),
        cmocka_unit_test_setup(
            what_comes_and_goes_is_seen_among_those_that_stay, setup),
        cmocka_unit_test_setup(clients_that_overlap_are_seen_too, setup),
        cmocka_unit_test_setup(a_pause_begins_anew, setup),
        cmocka_unit_test_setup(it_ends_when_they_stay_without_a_pause, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
