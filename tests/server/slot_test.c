/* Slots: taken lowest first, shared with another process, apart. */
#include "server/process/slot.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/core/test.h"

static void
test_lowest_free_first(void **state)
{
    struct coh_slots slots;

    (void)state;
    assert_int_equal(coh_slots_init(&slots, 3), 0);
    assert_int_equal(coh_slots_take(&slots), 0);
    assert_int_equal(coh_slots_take(&slots), 1);
    assert_int_equal(coh_slots_take(&slots), 2);
    assert_int_equal(coh_slots_take(&slots), -ENOSPC);
    coh_slots_give(&slots, 1);
    assert_int_equal(coh_slots_take(&slots), 1);
    coh_slots_fini(&slots);
}

static void
test_taken_again_it_is_clear(void **state)
{
    struct coh_slots slots;

    (void)state;
    assert_int_equal(coh_slots_init(&slots, 2), 0);
    coh_slots_take(&slots);
    coh_slots_at(&slots, 0)->counters[7] = 42;
    coh_slots_give(&slots, 0);
    assert_int_equal(coh_slots_take(&slots), 0);
    assert_int_equal(coh_slots_at(&slots, 0)->counters[7], 0);
    coh_slots_fini(&slots);
}

/* What a worker writes, the primary sees, in that slot alone. */
static void
test_shared_with_a_child(void **state)
{
    struct coh_slots slots;
    int status;
    pid_t pid;

    (void)state;
    assert_int_equal(coh_slots_init(&slots, 3), 0);
    pid = fork();
    if (pid == 0) {
        struct coh_slot *slot = coh_slot_map(slots.fd, 1);

        if (!slot) {
            _exit(1);
        }
        memset(slot->counters, 0xff, sizeof(slot->counters));
        coh_slot_unmap(slot);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_true(coh_slots_at(&slots, 1)->counters[0] == UINT64_MAX);
    assert_true(
        coh_slots_at(&slots, 1)->counters[COH_SLOT_COUNTERS_MAX - 1] ==
        UINT64_MAX);
    assert_int_equal(
        coh_slots_at(&slots, 0)->counters[COH_SLOT_COUNTERS_MAX - 1], 0);
    assert_int_equal(coh_slots_at(&slots, 2)->worker_id, 0);
    coh_slots_fini(&slots);
}

static void
test_parts_stand_on_lines_of_their_own(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct coh_slot) % COH_SLOT_ALIGN, 0);
    assert_int_equal(offsetof(struct coh_slot, counters) % COH_CACHE_LINE, 0);
    assert_int_equal(offsetof(struct coh_slot, handoff) % COH_CACHE_LINE, 0);
}

/* On pages of its own, whatever their size, and no further apart than that. */
static void
test_they_begin_pages(void **state)
{
    (void)state;
    for (size_t page = COH_SLOT_ALIGN; page <= 65536; page *= 4) {
        size_t stride = coh_slot_stride(page);

        assert_int_equal(stride % page, 0);
        assert_true(stride >= sizeof(struct coh_slot));
        assert_true(stride - sizeof(struct coh_slot) < page);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lowest_free_first),
        cmocka_unit_test(test_taken_again_it_is_clear),
        cmocka_unit_test(test_shared_with_a_child),
        cmocka_unit_test(test_parts_stand_on_lines_of_their_own),
        cmocka_unit_test(test_they_begin_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
