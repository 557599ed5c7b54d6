/* Settings of clients and responses: defaults, inheritance, what is refused,
   and what is accepted although it changes nothing. */
#include "tests/core/test.h"

#include <string.h>

#include "core/str.h"
#include "http/location.h"
#include "http/settings.h"
#include "http/virtual_server.h"
#include "tests/http/read.h"

static void
test_defaults(void **state)
{
    struct reading *reading = read_http("server { }");
    void *const *settings = reading->block->servers->settings;
    const struct coh_client_settings *client = coh_client_settings(settings);
    const struct coh_response_settings *response =
        coh_response_settings(settings);

    (void)state;
    assert_int_equal(client->keepalive_timeout_ms, 75000);
    assert_int_equal(client->keepalive_requests, 1000);
    assert_int_equal(client->keepalive_time_ms, 3600000);
    assert_int_equal(client->client_max_body_size, 1 << 20);
    assert_int_equal(client->large_header_count, 4);
    assert_int_equal(client->large_header_size, 8192);
    assert_int_equal(client->lingering_close, COH_LINGERING_ON);
    assert_true(client->merge_slashes);
    assert_int_equal(response->server_tokens, COH_TOKENS_ON);
    assert_true(coh_str_is(response->default_type, "text/plain"));
    assert_true(response->absolute_redirect);
    assert_true(response->etag);
    read_free(reading);
}

static void
test_inheritance(void **state)
{
    struct reading *reading = read_http(
        "keepalive_timeout 10s 8s; client_max_body_size 2g; server_tokens off;"
        "server { keepalive_requests 5;"
        " location / { keepalive_timeout 0; client_max_body_size 0; } }");
    const struct coh_virtual_server *server = reading->block->servers;
    const struct coh_client_settings *outer =
        coh_client_settings(server->settings);
    const struct coh_client_settings *inner =
        coh_client_settings(server->root->inside[0]->settings);

    (void)state;
    assert_int_equal(outer->keepalive_timeout_ms, 10000);
    assert_int_equal(outer->keepalive_header_s, 8);
    assert_int_equal(outer->keepalive_requests, 5);
    assert_int_equal(outer->client_max_body_size, 2LL << 30);
    assert_int_equal(inner->keepalive_timeout_ms, 0);
    assert_int_equal(inner->keepalive_header_s, 0);
    assert_int_equal(inner->keepalive_requests, 5);
    assert_int_equal(inner->client_max_body_size, 0);
    /* What a block does not touch is shared, not copied. */
    assert_ptr_equal(
        coh_response_settings(server->settings),
        coh_response_settings(server->root->inside[0]->settings));
    read_free(reading);
}

static void
test_browsers(void **state)
{
    struct reading *reading =
        read_http("server { keepalive_disable safari;"
                  " location /a { keepalive_disable none; }"
                  " location /b { keepalive_disable msie6 safari; } }");
    const struct coh_location *root = reading->block->servers->root;

    (void)state;
    assert_int_equal(
        coh_client_settings(root->settings)->keepalive_disable,
        COH_KEEPALIVE_DISABLE_SAFARI);
    assert_int_equal(
        coh_client_settings(root->inside[0]->settings)->keepalive_disable, 0);
    assert_int_equal(
        coh_client_settings(root->inside[1]->settings)->keepalive_disable,
        COH_KEEPALIVE_DISABLE_SAFARI | COH_KEEPALIVE_DISABLE_MSIE6);
    read_free(reading);
}

static void
test_refused(void **state)
{
    (void)state;
    expect_told("keepalive_timeout soon;", "invalid value \"soon\"");
    expect_told("keepalive_timeout 1s soon;", "invalid value \"soon\"");
    expect_told("keepalive_disable lynx;", "invalid value \"lynx\"");
    expect_told("large_client_header_buffers 0 8k;", "invalid value \"0\"");
    expect_told("large_client_header_buffers 4 1;", "invalid value \"1\"");
    expect_told("large_client_header_buffers 4 2g;", "invalid value \"2g\"");
    expect_told("client_max_body_size lots;", "invalid value \"lots\"");
    expect_told("client_header_buffer_size 1;", "client_header_buffer_size");
    expect_told("max_headers 0;", "max_headers");
    expect_told("max_headers 4097;", "max_headers");
    expect_told("server_tokens maybe;", "maybe");
    expect_told("lingering_close never;", "never");
    expect_told(
        "server { location / { merge_slashes off; } }", "merge_slashes");
    expect_told("etag on; etag off;", "duplicate");
    expect_told("disable_symlinks maybe;", "invalid parameter \"maybe\"");
    expect_told("disable_symlinks on off;", "duplicate parameter \"off\"");
    expect_told("disable_symlinks from=/a from=/b;", "duplicate parameter");
    expect_told("disable_symlinks from=/a;", "must have \"off\", \"on\" or");
    expect_told("disable_symlinks off from=/a;", "cannot be used with \"off\"");
    expect_told("disable_symlinks on from=$nothing;", "nothing");
    expect_told("confine maybe;", "maybe");
}

static void
test_accepted(void **state)
{
    struct reading *reading = read_http(
        "types_hash_max_size 2048; server_names_hash_bucket_size 64;"
        "sendfile on; sendfile_max_chunk 512k; tcp_nopush on; tcp_nodelay off;"
        "aio threads=default; directio 4m; output_buffers 2 32k;"
        "postpone_output 1460; client_body_temp_path /tmp 1 2;"
        "client_body_buffer_size 8k; client_body_in_file_only clean;"
        "open_file_cache max=1000 inactive=20s; open_file_cache_valid 30s;"
        "open_file_cache_min_uses 2; open_file_cache_errors on;"
        "connection_pool_size 512; request_pool_size 4k; server { }");

    (void)state;
    assert_string_equal(reading->told, "");
    read_free(reading);
    expect_told("sendfile maybe;", "invalid value \"maybe\"");
    expect_told("types_hash_max_size x;", "invalid value \"x\"");
    expect_told("output_buffers 1 x;", "invalid value \"x\"");
    expect_told("open_file_cache min=3;", "invalid value \"min=3\"");
    expect_told("open_file_cache_valid x;", "invalid value \"x\"");
    expect_told("aio never;", "invalid value \"never\"");
    expect_told("directio x;", "invalid value \"x\"");
}

/* Who corrects one word of a directive shall not learn of the next by another
   run. */
static void
test_all_bad_words_are_told(void **state)
{
    static const struct {
        const char *text;
        const char *told[4];
    } cases[] = {
        {"server { server_name *.*.x a*b ok ~c .; }",
         {"\"*.*.x\" is invalid", "\"a*b\" is invalid", "regex not supported"}},
        {"server { server_name a*b .; }", {"\".\" is invalid"}},
        {"server { listen 81 foo backlog=x bar=1; }",
         {"\"foo\"", "\"backlog=x\"", "\"bar=1\""}},
        {"access_log syslog:x nothing foo=1 buffer=x;",
         {"syslog is not", "log format \"nothing\"", "\"foo=1\""}},
        {"access_log logs/a nothing foo=1 buffer=x;",
         {"\"foo=1\"", "buffer size \"buffer=x\""}},
        {"error_page 1 404 2 =x /page;", {"\"1\"", "\"2\"", "\"=x\""}},
        {"keepalive_disable lynx mosaic;", {"\"lynx\"", "\"mosaic\""}},
        {"keepalive_timeout soon later;", {"\"soon\"", "\"later\""}},
        {"large_client_header_buffers few big;", {"\"few\"", "\"big\""}},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        expect_told_all(cases[i].text, cases[i].told);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_inheritance),
        cmocka_unit_test(test_browsers),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_all_bad_words_are_told),
        cmocka_unit_test(test_accepted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
