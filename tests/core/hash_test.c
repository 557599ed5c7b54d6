/* SipHash-1-3, beside CPython's (whose key is zero when PYTHONHASHSEED is). */
#include "tests/core/test.h"

#include "core/hash.h"

static void
test_vectors(void **state)
{
    static const uint64_t zero_key[2];
    static const struct {
        size_t size;
        uint64_t hash;
    } vectors[] = {
        {1, UINT64_C(0x68a914128e01e473)},  {7, UINT64_C(0x2f098ab0c751325a)},
        {8, UINT64_C(0xead411e67ebe2eea)},  {9, UINT64_C(0x75927f9d95124362)},
        {15, UINT64_C(0xf30eb725bb91c9ea)}, {16, UINT64_C(0x8972188433a5c5b7)},
        {63, UINT64_C(0x385d3e39e5f37359)},
    };
    unsigned char data[64];

    (void)state;
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (unsigned char)i;
    }
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        assert_true(
            coh_hash_keyed(zero_key, data, vectors[i].size) == vectors[i].hash);
    }
}

static void
test_key_matters(void **state)
{
    uint64_t before;

    (void)state;
    coh_hash_init();
    before = coh_hash("word", 4);
    assert_true(coh_hash("word", 4) == before);
    assert_true(coh_hash("wore", 4) != before);
    coh_hash_init();
    assert_true(coh_hash("word", 4) != before);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_key_matters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
