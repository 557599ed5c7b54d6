/* listen: addresses, ranges, parameters. */
#include "tests/core/test.h"

#include <string.h>
#include <unistd.h>

#include "http/address.h"
#include "http/virtual_server.h"
#include "tests/http/read.h"

static const struct coh_address *
find(const struct reading *reading, const char *text)
{
    const struct coh_address *address = reading->block->addresses;
    char formatted[COH_ADDR_TEXT_MAX];

    while (address &&
           strcmp(coh_addr_format(&address->addr, formatted), text) != 0) {
        address = address->next;
    }
    if (!address) {
        fail_msg("nobody listens on %s", text);
    }
    return address;
}

static void
test_addresses(void **state)
{
    struct reading *reading = read_http(
        "server { listen 8001; listen 127.0.0.1:8002; listen [::1]:8003;"
        " listen [::]:8004; listen unix:/tmp/x.sock; listen *:8005;"
        " listen 127.0.0.2; }");

    (void)state;
    assert_non_null(reading->block);
    find(reading, "0.0.0.0:8001");
    find(reading, "127.0.0.1:8002");
    assert_true(find(reading, "[::1]:8003")->options.ipv6only);
    assert_true(find(reading, "[::]:8004")->options.ipv6only);
    assert_false(find(reading, "[::]:8004")->options.is_bound);
    find(reading, "unix:/tmp/x.sock");
    find(reading, "0.0.0.0:8005");
    find(reading, "127.0.0.2:80");
    read_free(reading);
}

static void
test_range(void **state)
{
    struct reading *reading =
        read_http("server { listen 127.0.0.1:8001-8003; listen 8010-8011;"
                  " listen [::1]:8020-8020; }");

    (void)state;
    find(reading, "127.0.0.1:8001");
    find(reading, "127.0.0.1:8002");
    find(reading, "127.0.0.1:8003");
    find(reading, "0.0.0.0:8010");
    find(reading, "0.0.0.0:8011");
    find(reading, "[::1]:8020");
    read_free(reading);
    expect_told("server { listen 9-8; }", "invalid port range");
    expect_told("server { listen 0-8; }", "invalid port range");
    expect_told("server { listen 1-70000; }", "listen");
}

static void
test_default(void **state)
{
    struct reading *reading = read_http("server { }");

    (void)state;
    find(reading, geteuid() == 0 ? "0.0.0.0:80" : "0.0.0.0:8000");
    read_free(reading);
}

static void
test_parameters(void **state)
{
    struct reading *reading = read_http(
        "server { listen 8001 backlog=64 rcvbuf=8k sndbuf=1m deferred"
        " fastopen=5 so_keepalive=30m:10:3 policy=shared;"
        " listen 8002 reuseport; listen 8003 so_keepalive=off;"
        " listen 8006 policy=least_conn; listen [::]:8004 ipv6only=off;"
        " listen 8005 so_keepalive=::4; }");
    const struct cohort_listen_options *options =
        &find(reading, "0.0.0.0:8001")->options;

    (void)state;
    assert_int_equal(options->backlog, 64);
    assert_int_equal(options->rcvbuf, 8192);
    assert_int_equal(options->sndbuf, 1 << 20);
    assert_true(options->deferred);
    assert_int_equal(options->fastopen, 5);
    assert_int_equal(options->keepalive, 1);
    assert_int_equal(options->keepalive_idle_s, 1800);
    assert_int_equal(options->keepalive_interval_s, 10);
    assert_int_equal(options->keepalive_count, 3);
    assert_int_equal(options->policy, COHORT_POLICY_SHARED);
    assert_true(options->is_bound);
    options = &find(reading, "0.0.0.0:8002")->options;
    assert_int_equal(options->policy, COHORT_POLICY_REUSEPORT);
    options = &find(reading, "0.0.0.0:8006")->options;
    assert_int_equal(options->policy, COHORT_POLICY_LEAST_CONN);
    assert_int_equal(find(reading, "0.0.0.0:8003")->options.keepalive, -1);
    assert_false(find(reading, "[::]:8004")->options.ipv6only);
    assert_int_equal(find(reading, "0.0.0.0:8005")->options.keepalive_count, 4);
    assert_int_equal(
        find(reading, "0.0.0.0:8005")->options.keepalive_idle_s, 0);
    read_free(reading);
}

static void
test_refused(void **state)
{
    (void)state;
    expect_told("server { listen 81 ssl; }", "TLS, which is not built into");
    expect_told("server { listen 81 quic; }", "TLS, which is not built into");
    expect_told("server { listen 81 http2; }", "is not built into");
    expect_told("server { listen 81 proxy_protocol; }", "is not built into");
    expect_told("server { listen 81 setfib=1; }", "not supported on this");
    expect_told("server { listen 81 sll; }", "invalid parameter \"sll\"");
    expect_told("server { listen 81 backlog=x; }", "invalid parameter");
    expect_told("server { listen 81 so_keepalive=x; }", "invalid parameter");
    expect_told("server { listen 81 so_keepalive=1:2:3:4; }", "invalid");
    expect_told("server { listen 81 policy=best; }", "policy=round_robin");
    expect_told("server { listen 81; listen 81; }", "a duplicate listen");
    expect_told(
        "server { listen 81 default_server; }"
        "server { listen 81 default_server; }",
        "a duplicate default server for 0.0.0.0:81");
    expect_told(
        "server { listen 81 backlog=1; } server { listen 81 backlog=2; }",
        "duplicate listen options for 0.0.0.0:81");
    expect_told("server { listen 127.0.0.1:x; }", "in \"127.0.0.1:x\" of");
    expect_told_all(
        "server { listen 127.0.0.1:x sll backlog=x; }",
        (const char *const[]){
            "invalid parameter \"sll\"", "invalid parameter \"backlog=x\"",
            "in \"127.0.0.1:x\" of", NULL});
}

static void
test_wildcard_covers(void **state)
{
    struct reading *reading = read_http(
        "server { listen 81; } server { listen 127.0.0.1:81; }"
        "server { listen [::1]:81; } server { listen 127.0.0.1:82; }");
    const struct coh_address *wildcard = find(reading, "0.0.0.0:81");

    (void)state;
    assert_int_equal(wildcard->covered_count, 1);
    assert_ptr_equal(wildcard->covered[0], find(reading, "127.0.0.1:81"));
    assert_int_equal(find(reading, "127.0.0.1:81")->covered_count, 0);
    read_free(reading);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_range),
        cmocka_unit_test(test_default),
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_wildcard_covers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
