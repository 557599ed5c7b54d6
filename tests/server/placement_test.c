/* Which CPUs a worker gets. */
#include "server/process/placement.h"

#include "tests/core/test.h"

static cpu_set_t
set_of(uint64_t bits)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    for (int cpu = 0; cpu < 64; cpu++) {
        if (bits & (1ULL << cpu)) {
            CPU_SET(cpu, &set);
        }
    }
    return set;
}

static void
assert_cpus(
    const struct coh_placement *placement, unsigned place, uint64_t usable,
    uint64_t expected)
{
    cpu_set_t all = set_of(usable);
    cpu_set_t wanted = set_of(expected);
    cpu_set_t cpus = set_of(0);
    bool is_found = coh_placement_cpus(placement, place, &all, &cpus);

    assert_int_equal(is_found, expected != 0);
    assert_true(!is_found || CPU_EQUAL(&cpus, &wanted));
}

static void
test_masks_are_for_one_worker_each_and_the_last_for_the_rest(void **state)
{
    cpu_set_t masks[] = {set_of(0x1), set_of(0x6)};
    const struct coh_placement placement = {.masks = {masks, 2}};

    (void)state;
    assert_cpus(&placement, 0, 0xff, 0x1);
    assert_cpus(&placement, 1, 0xff, 0x6);
    assert_cpus(&placement, 2, 0xff, 0x6);
    assert_cpus(&placement, 70, 0xff, 0x6);
}

static void
test_auto_takes_one_after_the_other_of_those_that_may_be_used(void **state)
{
    const struct coh_placement placement = {.is_auto = true};

    (void)state;
    assert_cpus(&placement, 0, 0x8a, 0x02);
    assert_cpus(&placement, 1, 0x8a, 0x08);
    assert_cpus(&placement, 2, 0x8a, 0x80);
    assert_cpus(&placement, 3, 0x8a, 0x02);
}

static void
test_auto_keeps_to_its_mask(void **state)
{
    cpu_set_t mask = set_of(0xc0);
    const struct coh_placement placement = {
        .is_auto = true, .masks = {&mask, 1}};

    (void)state;
    assert_cpus(&placement, 0, 0xff, 0x40);
    assert_cpus(&placement, 1, 0xff, 0x80);
    assert_cpus(&placement, 2, 0xff, 0x40);
    assert_cpus(&placement, 0, 0x0f, 0); /* none of them is there */
}

static void
test_without_the_directive_a_worker_stays_where_it_is(void **state)
{
    const struct coh_placement placement = {.is_auto = false};

    (void)state;
    assert_cpus(&placement, 0, 0xff, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_masks_are_for_one_worker_each_and_the_last_for_the_rest),
        cmocka_unit_test(
            test_auto_takes_one_after_the_other_of_those_that_may_be_used),
        cmocka_unit_test(test_auto_keeps_to_its_mask),
        cmocka_unit_test(test_without_the_directive_a_worker_stays_where_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
