/* Buffers of one size: bounded, reused. */
#include "tests/core/test.h"

#include <string.h>

#include "core/pool.h"

static void
test_bounds(void **state)
{
    struct coh_pool pool;
    void *items[3];
    void *again;

    (void)state;
    coh_pool_init(&pool, 64, 2, 3);
    for (int i = 0; i < 3; i++) {
        items[i] = coh_pool_take(&pool);
        assert_non_null(items[i]);
        memset(items[i], 'x', 64);
    }
    assert_null(coh_pool_take(&pool));
    assert_int_equal(pool.used, 3);
    for (int i = 0; i < 3; i++) {
        coh_pool_give(&pool, items[i]);
    }
    assert_int_equal(pool.used, 0);
    assert_int_equal(pool.idle, 2);
    again = coh_pool_take(&pool);
    assert_ptr_equal(again, items[1]); /* the last kept: warm in the cache */
    memset(again, 'y', 64);
    coh_pool_give(&pool, again);
    coh_pool_fini(&pool);
}

static void
test_nothing_kept(void **state)
{
    struct coh_pool pool;

    (void)state;
    coh_pool_init(&pool, sizeof(void *), 0, 0);
    coh_pool_give(&pool, coh_pool_take(&pool));
    assert_int_equal(pool.idle, 0);
    coh_pool_fini(&pool);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_nothing_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
