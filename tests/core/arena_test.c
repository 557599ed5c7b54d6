/* Memory taken piece by piece: aligned, zeroed, given back with what was
   deferred. */
#include "tests/core/test.h"

#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/str.h"

static int deferred_order[4];
static size_t deferred_count;

static void
note(void *object)
{
    deferred_order[deferred_count++] = *(int *)object;
}

static void
test_alloc(void **state)
{
    struct coh_arena *arena = coh_arena_new(64);

    (void)state;
    for (size_t size = 0; size < 300; size++) {
        char *piece = coh_arena_alloc(arena, size);

        assert_int_equal((uintptr_t)piece % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++) {
            assert_int_equal(piece[i], 0);
        }
        memset(piece, 'x', size);
    }
    coh_arena_free(arena);
    coh_arena_free(NULL);
}

static void
test_copies(void **state)
{
    struct coh_arena *arena = coh_arena_new(16);
    struct cohort_str str;
    char *text;

    (void)state;
    str = coh_arena_str(arena, cohort_str_n("abcdef", 3));
    assert_int_equal(str.size, 3);
    assert_string_equal(str.data, "abc");
    str = coh_arena_str(arena, cohort_str(NULL));
    assert_string_equal(str.data, "");
    assert_string_equal(coh_arena_strdup(arena, "word"), "word");
    assert_memory_equal(coh_arena_copy(arena, "\0x", 2), "\0x", 2);
    assert_non_null(coh_arena_copy(arena, NULL, 0));
    text = coh_arena_printf(arena, "%s-%d-%0100d", "a", 7, 0);
    assert_int_equal(strlen(text), 104);
    assert_true(coh_str_starts_with(cohort_str(text), COH_STR("a-7-00")));
    coh_arena_free(arena);
}

static void
test_defer_and_reset(void **state)
{
    struct coh_arena *arena = coh_arena_new(64);
    int numbers[3] = {1, 2, 3};
    void *first;

    (void)state;
    deferred_count = 0;
    first = coh_arena_alloc(arena, 1);
    coh_arena_defer(arena, note, &numbers[0]);
    coh_arena_alloc(arena, 5000);
    coh_arena_defer(arena, note, &numbers[1]);
    coh_arena_reset(arena);
    assert_int_equal(deferred_count, 2);
    assert_int_equal(deferred_order[0], 2);
    assert_int_equal(deferred_order[1], 1);

    assert_ptr_equal(coh_arena_alloc(arena, 1), first);
    coh_arena_defer(arena, note, &numbers[2]);
    coh_arena_free(arena);
    assert_int_equal(deferred_count, 3);
    assert_int_equal(deferred_order[2], 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alloc),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_defer_and_reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
