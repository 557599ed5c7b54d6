/* Totals: known by name and labels, grown by those who go. */
#include "server/primary/counters.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/core/test.h"

/* A frame with its texts, as a template sends it. */
static struct coh_frame_counter *
make_frame(
    const char *name, const char *labels, enum cohort_counter_kind kind,
    size_t *size)
{
    static _Alignas(struct coh_frame_counter) char memory[256];
    struct coh_frame_counter *frame = (struct coh_frame_counter *)memory;

    *frame = (struct coh_frame_counter){
        .kind = (uint32_t)kind,
        .name_size = (uint16_t)strlen(name),
        .help_size = 4,
        .labels_size = (uint16_t)strlen(labels),
    };
    *size = sizeof(*frame) +
        (size_t)sprintf(memory + sizeof(*frame), "%shelp%s", name, labels);
    return frame;
}

static int
declare(
    struct coh_totals *totals, const char *name, const char *labels,
    enum cohort_counter_kind kind)
{
    size_t size;
    struct coh_frame_counter *frame = make_frame(name, labels, kind, &size);

    return coh_totals_declare(totals, frame, size);
}

static void
test_the_same_name_and_labels_are_the_same(void **state)
{
    struct coh_totals totals = {0};

    (void)state;
    assert_int_equal(declare(&totals, "a", "", COHORT_COUNTER), 0);
    assert_int_equal(declare(&totals, "b", "", COHORT_COUNTER), 1);
    assert_int_equal(declare(&totals, "a", "x=\"1\"", COHORT_COUNTER), 2);
    assert_int_equal(declare(&totals, "a", "", COHORT_COUNTER), 0);
    assert_string_equal(totals.array[2].labels, "x=\"1\"");
    assert_string_equal(totals.array[1].help, "help");
    coh_totals_fini(&totals);
}

static void
test_sizes_must_add_up(void **state)
{
    struct coh_totals totals = {0};
    size_t size;
    struct coh_frame_counter *frame =
        make_frame("name", "", COHORT_COUNTER, &size);

    (void)state;
    assert_int_equal(coh_totals_declare(&totals, frame, size - 1), -EPROTO);
    assert_int_equal(coh_totals_declare(&totals, frame, size + 1), -EPROTO);
    frame->name_size = UINT16_MAX;
    assert_int_equal(coh_totals_declare(&totals, frame, size), -EPROTO);
    assert_int_equal(totals.count, 0);
}

static void
test_counters_stay_and_gauges_go(void **state)
{
    struct coh_totals totals = {0};
    uint16_t indexes[2];
    const uint64_t first[] = {5, 7};
    const uint64_t second[] = {10, 1};

    (void)state;
    indexes[0] = (uint16_t)declare(&totals, "count", "", COHORT_COUNTER);
    indexes[1] = (uint16_t)declare(&totals, "gauge", "", COHORT_GAUGE);
    coh_totals_fold(&totals, indexes, first, 2);
    coh_totals_fold(&totals, indexes, second, 2);
    assert_int_equal(totals.array[indexes[0]].retired, 15);
    assert_int_equal(totals.array[indexes[1]].retired, 0);
    coh_totals_fini(&totals);
}

/* Of two primaries each adds what the other one says to its own. */
static void
test_what_another_has_counted_only_grows(void **state)
{
    struct coh_totals totals = {0};
    struct coh_counter counter = {
        .name = cohort_str("count"),
        .help = cohort_str("help"),
        .labels = cohort_str(""),
    };
    int index = declare(&totals, "count", "", COHORT_COUNTER);

    (void)state;
    totals.array[index].retired = 5;
    coh_totals_hear(&totals, &counter, 7);
    coh_totals_hear(&totals, &counter, 6);
    assert_int_equal(totals.array[index].other, 7);
    coh_totals_inherit(&totals);
    coh_totals_inherit(&totals);
    assert_int_equal(totals.array[index].retired, 12);
    assert_int_equal(totals.array[index].other, 0);
    coh_totals_fini(&totals);
}

static void
test_of_another_come_new_counters_but_no_gauges(void **state)
{
    struct coh_totals totals = {0};
    struct coh_counter counter = {.name = cohort_str("new")};

    (void)state;
    coh_totals_hear(&totals, &counter, 3);
    counter.name = cohort_str("gauge");
    counter.kind = COHORT_GAUGE;
    coh_totals_hear(&totals, &counter, 3);
    assert_int_equal(totals.count, 1);
    assert_string_equal(totals.array[0].name, "new");
    assert_string_equal(totals.array[0].labels, "");
    coh_totals_fini(&totals);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_name_and_labels_are_the_same),
        cmocka_unit_test(test_sizes_must_add_up),
        cmocka_unit_test(test_counters_stay_and_gauges_go),
        cmocka_unit_test(test_what_another_has_counted_only_grows),
        cmocka_unit_test(test_of_another_come_new_counters_but_no_gauges),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
