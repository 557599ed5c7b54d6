/* What a worker asks to listen on: read, checked, compared, described. */
#include "server/cluster/query.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/core/test.h"

static struct coh_query
parse(const char *text)
{
    static const struct cohort_listen_settings none;
    struct coh_query query;
    const char *why = NULL;

    assert_int_equal(coh_query_parse(text, &none, &query, &why), 0);
    assert_true(coh_query_is_valid(&query));
    return query;
}

static unsigned
port_of(const char *text)
{
    struct coh_query query = parse(text);

    return coh_addr_port(&query.address);
}

static int
refusal(const char *text, const struct cohort_listen_settings *settings)
{
    struct coh_query query;
    const char *why = NULL;
    int result = coh_query_parse(text, settings, &query, &why);

    assert_true(result < 0);
    assert_non_null(why);
    return result;
}

static void
test_a_port_alone_is_every_host_of_both_families(void **state)
{
    struct coh_query query = parse("8000");

    (void)state;
    assert_false(query.has_host);
    assert_int_equal(query.address.u.any.sa_family, AF_INET6);
    assert_int_equal(coh_addr_port(&query.address), 8000);
    assert_int_equal(port_of("0"), 0);
}

static void
test_port_zero_goes_with_any_host(void **state)
{
    (void)state;
    assert_int_equal(port_of("127.0.0.1:0"), 0);
    assert_int_equal(port_of("[::1]:0"), 0);
    assert_int_equal(port_of("127.0.0.1:10"), 10);
}

static void
test_a_relative_path_is_made_absolute(void **state)
{
    struct coh_query query;

    (void)state;
    assert_int_equal(chdir("/tmp"), 0);
    query = parse("unix:here");
    assert_string_equal(query.address.u.local.sun_path, "/tmp/here");
    query = parse("unix:/run/x");
    assert_string_equal(query.address.u.local.sun_path, "/run/x");
}

static void
test_what_is_no_address_is_refused(void **state)
{
    const struct cohort_listen_settings none = {0};
    const struct cohort_listen_settings udp = {.is_udp = true};
    char path[200] = "unix:/";

    (void)state;
    memset(path + 6, 'x', sizeof(path) - 7);
    assert_int_equal(refusal(path, &none), -ENAMETOOLONG);
    assert_int_equal(refusal("", &none), -EINVAL);
    assert_int_equal(refusal("70000", &none), -EINVAL);
    assert_int_equal(refusal("127.0.0.1:70000", &none), -EINVAL);
    assert_int_equal(refusal("unix:", &none), -EINVAL);
    assert_int_equal(refusal("unix:/run/x", &udp), -EINVAL);
}

static void
test_what_comes_over_a_channel_is_checked(void **state)
{
    const struct coh_query good = parse("unix:/run/x");
    struct coh_query query = good;

    (void)state;
    query.address.u.local.sun_path[6] = 'y'; /* no NUL at its end */
    assert_false(coh_query_is_valid(&query));
    query = good;
    query.address.size = sizeof(query.address.u.local) + 1;
    assert_false(coh_query_is_valid(&query));
    query.address.size = 2;
    assert_false(coh_query_is_valid(&query));
    query = parse("127.0.0.1:80");
    query.address.size = sizeof(query.address.u.v6);
    assert_false(coh_query_is_valid(&query));
    query.address.u.any.sa_family = AF_PACKET;
    assert_false(coh_query_is_valid(&query));
    query = parse("127.0.0.1:80");
    query.options.policy = (enum cohort_policy)9;
    assert_false(coh_query_is_valid(&query));
    query = parse("127.0.0.1:80");
    query.options.mode = 04777;
    assert_false(coh_query_is_valid(&query));
    query = parse("127.0.0.1:80");
    query.fd = -2;
    assert_false(coh_query_is_valid(&query));
}

static void
test_the_ordinal_counts_for_port_zero_alone(void **state)
{
    struct coh_query one = parse("127.0.0.1:0");
    struct coh_query other = one;

    (void)state;
    assert_true(coh_query_is_same(&one, &other));
    other.ordinal = 1;
    assert_false(coh_query_is_same(&one, &other));
    one = other = parse("127.0.0.1:80");
    other.ordinal = 1;
    assert_true(coh_query_is_same(&one, &other));
    other.is_udp = true;
    assert_false(coh_query_is_same(&one, &other));
}

static void
test_a_descriptor_is_known_by_its_number(void **state)
{
    struct coh_query one = {.fd = 7};
    struct coh_query other = {.fd = 7, .ordinal = 3};

    (void)state;
    assert_true(coh_query_is_same(&one, &other));
    other.fd = 8;
    assert_false(coh_query_is_same(&one, &other));
}

static void
test_it_is_described_as_the_event_has_it(void **state)
{
    struct coh_query query = parse("127.0.0.1:0");
    struct coh_addr bound = query.address;
    struct cohort_address address;
    char host[COH_ADDR_TEXT_MAX];

    (void)state;
    coh_addr_set_port(&bound, 1234);
    coh_query_describe(&query, &bound, &address, host);
    assert_string_equal(address.host, "127.0.0.1");
    assert_int_equal(address.port, 1234);
    assert_int_equal(address.fd, -1);
    query = parse("0");
    coh_query_describe(&query, &bound, &address, host);
    assert_null(address.host);
    query = parse("unix:/run/x");
    coh_query_describe(&query, &query.address, &address, host);
    assert_string_equal(address.host, "/run/x");
    assert_int_equal(address.port, -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_port_alone_is_every_host_of_both_families),
        cmocka_unit_test(test_port_zero_goes_with_any_host),
        cmocka_unit_test(test_a_relative_path_is_made_absolute),
        cmocka_unit_test(test_what_is_no_address_is_refused),
        cmocka_unit_test(test_what_comes_over_a_channel_is_checked),
        cmocka_unit_test(test_the_ordinal_counts_for_port_zero_alone),
        cmocka_unit_test(test_a_descriptor_is_known_by_its_number),
        cmocka_unit_test(test_it_is_described_as_the_event_has_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
