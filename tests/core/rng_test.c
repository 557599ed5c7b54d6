/* Random bytes from the kernel. */
#include "tests/core/test.h"

#include <string.h>

#include "core/rng.h"

static void
test_random(void **state)
{
    char big[100000] = {0};
    char zeros[64] = {0};

    (void)state;
    assert_true(coh_random_u64() != coh_random_u64());
    coh_random_bytes(big, sizeof(big) - 1); /* more than one call gives */
    assert_memory_not_equal(big + sizeof(big) - 65, zeros, 64);
    assert_int_equal(big[sizeof(big) - 1], 0);
    coh_random_bytes(NULL, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
