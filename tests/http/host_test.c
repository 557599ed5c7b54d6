/* Hosts as clients name them. */
#include "tests/core/test.h"

#include <errno.h>

#include "core/str.h"
#include "http/host.h"

static const struct {
    const char *text;
    const char *name;
    uint16_t port;
    bool has_upper;
} valid[] = {
    {"a", "a", 0, false},
    {"Example.COM", "Example.COM", 0, true},
    {"example.com.", "example.com", 0, false},
    {"example.com:", "example.com", 0, false},
    {"example.com:80", "example.com", 80, false},
    {"example.com.:65535", "example.com", 65535, false},
    {"a:0", "a", 0, false},
    {"a:00080", "a", 80, false},
    {"127.0.0.1:8000", "127.0.0.1", 8000, false},
    {"a_b-c~d!$&'()*+,;=%41", "a_b-c~d!$&'()*+,;=%41", 0, false},
    {"[::1]", "[::1]", 0, false},
    {"[::1]:80", "[::1]", 80, false},
    {"[::FFFF:127.0.0.1]", "[::FFFF:127.0.0.1]", 0, true},
    {"[v1.a-b._~!$&'()*+,;=:c]", "[v1.a-b._~!$&'()*+,;=:c]", 0, false},
    {"[::1]:", "[::1]", 0, false},
    {".a", ".a", 0, false},
};

static const char *const invalid[] = {
    "",
    ".",
    "..",
    ":",
    ":80",
    "a..",
    "a..b",
    "a b",
    "a/b",
    "a\\b",
    "a\tb",
    "a\x01",
    "a\x7f",
    "a@b",
    "a?b",
    "a#b",
    "a:80:80",
    "a:655360",
    "a:65536",
    "a:x",
    "a:8x",
    "a: 80",
    "a:+80",
    "host.:1.2",
    "[::1",
    "::1]",
    "[]",
    "[",
    "]",
    "x[::1]",
    "[::1]x",
    "[::1].",
    "[::1].:80",
    "[::1]:x",
    "[::1]:80:80",
    "[a b]",
    "[::1%25eth0]",
    "[a/b]",
    "\xc3\xa4",
    ".:80"};

static void
reads_valid_hosts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
        struct coh_host host;

        assert_int_equal(coh_host_parse(cohort_str(valid[i].text), &host), 0);
        assert_true(coh_str_is(host.name, valid[i].name));
        assert_int_equal(host.port, valid[i].port);
        assert_int_equal(host.has_upper, valid[i].has_upper);
    }
}

static void
refuses_others(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++) {
        struct coh_host host;

        assert_int_equal(
            coh_host_parse(cohort_str(invalid[i]), &host), -EINVAL);
    }
}

static void
refuses_a_nul(void **state)
{
    struct coh_host host;

    (void)state;
    assert_int_equal(coh_host_parse(COH_STR("a\0b"), &host), -EINVAL);
    assert_int_equal(coh_host_parse(COH_STR("[a\0b]"), &host), -EINVAL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_valid_hosts),
        cmocka_unit_test(refuses_others),
        cmocka_unit_test(refuses_a_nul),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
