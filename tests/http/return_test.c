/* return, redirects, error pages, and what they do to each other. */
#include "tests/core/test.h"

#include <stdio.h>
#include <string.h>

#include "http/location.h"
#include "http/modules/error_page.h"
#include "http/modules/handler.h"
#include "http/plan.h"
#include "http/virtual_server.h"
#include "tests/http/ask.h"
#include "tests/http/read.h"

static struct harness *harness;

/* Forbidden, with as many fields as a response can have. */
static int
fill_fields(struct cohort_request *request, void *user)
{
    char text[4];

    (void)user;
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof(text), "%d", i);
        cohort_response_header(
            request, cohort_str("X-Field"), cohort_str(text));
    }
    return 403;
}

static const struct coh_handler handlers[] = {{fill_fields, NULL}};

static int
setup(void **state)
{
    (void)state;
    coh_handlers_set(handlers, 1);
    harness = harness_new(
        "access_log off; default_type text/x-test; port_in_redirect off;"
        "server { listen 127.0.0.1:8123; server_name first second;"
        " location = /text { return 200 \"hello\"; }"
        " location = /variable { return 201 \"m=$request_method\"; }"
        " location = /empty { return 200 \"\"; }"
        " location = /200 { return 200; }"
        " location = /202 { return 202; }"
        " location = /204 { return 204; }"
        " location = /306 { return 306; }"
        " location = /403 { return 403; }"
        " location = /404text { return 404 \"gone\"; }"
        " location = /444 { return 444; }"
        " location = /301 { return 301 /x?y=%20z; }"
        " location = /url { return http://other/; }"
        " location = /scheme { return 308 $scheme://$host$request_uri; }"
        " location /split { return 302 /to$uri; }"
        " location /query { return 302 /to?$args; }"
        " location = /written { return 302 '/x%20y z?a=%zz#f\"<>[~]'; }"
        " location = /elsewhere { error_page 403 http://o/$arg_a; return 403; }"
        " location /relative { absolute_redirect off; return 302 /a; }"
        " location /port { port_in_redirect on; return 302 /a; }"
        " location /name { server_name_in_redirect on; return 302 /a; }"
        " location = /two { return 200 one; return 201 two; }"
        " location /outer { return 200 outer; location /outer/inner { } }"
        " location /errors/ {"
        "  error_page 403 /page; error_page 404 =200 /page;"
        "  error_page 410 = /page; error_page 402 http://pay/;"
        "  error_page 405 =301 http://pay/; error_page 406 @named;"
        "  error_page 409 /page?$uri; error_page 411 /missing;"
        "  error_page 412 /moved; error_page 413 @missing;"
        "  location = /errors/403 { return 403; }"
        "  location = /errors/404 { return 404; }"
        "  location = /errors/410 { return 410; }"
        "  location = /errors/402 { return 402; }"
        "  location = /errors/405 { return 405; }"
        "  location = /errors/406 { return 406; }"
        "  location = /errors/409 { return 409; }"
        "  location = /errors/411 { return 411; }"
        "  location = /errors/412 { return 412; }"
        "  location = /errors/413 { return 413; } }"
        " location /cycle/ { error_page 302 http://other/;"
        "  error_page 402 http://pay/; error_page 500 @missing;"
        "  recursive_error_pages on;"
        "  location = /cycle/302 { return 302 /y; }"
        "  location = /cycle/402 { return 402; }"
        "  location = /cycle/500 { return 500; } }"
        " location /full { error_page 403 500 http://other/; handler 0; }"
        " location /small { client_max_body_size 1; error_page 413 /page; }"
        " client_max_body_size 1;"
        " location = /page { return 200 \"page $args $request_method\"; }"
        " location = /moved { return 302 /elsewhere; }"
        " location = /missing { error_page 404 /page; root /nowhere; }"
        " location = /recursive { error_page 403 /again; return 403; }"
        " location = /again { recursive_error_pages on; error_page 404 /page;"
        "  return 404; }"
        " location @named { return 299 \"named $uri\"; }"
        " location /fields { add_header X-One 1; add_header X-None \"\";"
        "  add_header X-Always 3 always; return 200 x; }"
        " location /badfields { add_header X-One 1;"
        "  add_header X-Always 3 always; return 400 x; }"
        " location /tokens { server_tokens off; return 404; } }");
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    harness_free(harness);
    coh_handlers_set(NULL, 0);
    return 0;
}

static void
test_text(void **state)
{
    const char *answer = ask(harness, "/text", "");

    (void)state;
    expect_status(answer, 200);
    expect_has(answer, "Content-Type: text/x-test\r\n");
    expect_has(answer, "Content-Length: 5\r\n");
    assert_string_equal(body_of(answer), "hello");
    answer = ask(harness, "/variable", "");
    expect_status(answer, 201);
    assert_string_equal(body_of(answer), "m=GET");
    answer = ask(harness, "/empty", "");
    expect_status(answer, 200);
    expect_has(answer, "Content-Length: 0\r\n");
    answer = ask_raw(harness, "HEAD /text HTTP/1.1\r\nHost: test\r\n");
    expect_has(answer, "Content-Length: 5\r\n");
    assert_string_equal(body_of(answer), "");
    assert_string_equal(body_of(ask(harness, "/two", "")), "one");
}

/* A success without a text is one without a page. */
static void
test_no_text(void **state)
{
    static const char *const paths[] = {"/200", "/202"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const char *answer = ask(harness, paths[i], "");

        expect_status(answer, i == 0 ? 200 : 202);
        expect_has(answer, "Content-Type: text/x-test\r\n");
        expect_has(answer, "Content-Length: 0\r\n");
        assert_string_equal(body_of(answer), "");
    }
}

static void
test_constants_are_rendered(void **state)
{
    struct reading *reading =
        read_http("server { listen 81; location = /a { return 200 x; }"
                  " location = /b { return 200 $uri; }"
                  " location = /c { add_header A b; return 200 x; }"
                  " location = /d { return 301 /; } location = /e { }"
                  " location = /f { add_header A $uri; return 200 x; }"
                  " location = /g { return 200; } }");
    struct coh_location *root = reading->block->servers->root;
    struct coh_arena *arena = coh_arena_new(4096);
    size_t i;

    (void)state;
    coh_plan_make(arena, root);
    for (i = 0; i < root->inside_count; i++) {
        const struct coh_plan *plan = root->inside[i]->plan;

        assert_int_equal(plan->rendered != NULL, i == 0 || i == 2 || i == 6);
        assert_int_equal(plan->filter_count, i == 2 || i == 5);
        assert_int_equal(plan->status_count, 0);
    }
    coh_arena_free(arena);
    read_free(reading);
}

static void
test_rendered_fields(void **state)
{
    const char *answer = ask(harness, "/fields", "");

    (void)state;
    expect_has(answer, "X-One: 1\r\n");
    expect_has(answer, "X-Always: 3\r\n");
    expect_lacks(answer, "X-None");
    answer = ask(harness, "/badfields", "");
    expect_status(answer, 400);
    expect_lacks(answer, "X-One");
    expect_has(answer, "X-Always: 3\r\n");
}

static void
test_statuses(void **state)
{
    const char *answer = ask(harness, "/204", "");

    (void)state;
    expect_status(answer, 204);
    expect_lacks(answer, "Content-");
    answer = ask(harness, "/306", "");
    expect_status(answer, 306);
    assert_string_equal(body_of(answer), "");
    answer = ask(harness, "/403", "");
    expect_status(answer, 403);
    expect_has(answer, "Content-Type: text/html\r\n");
    expect_has(answer, "<title>403 Forbidden</title>");
    expect_has(answer, "<center>cohort/");
    answer = ask(harness, "/404text", "");
    expect_status(answer, 404);
    assert_string_equal(body_of(answer), "gone");
    assert_string_equal(ask(harness, "/444", ""), "");
    answer = ask(harness, "/tokens", "");
    expect_has(answer, "Server: cohort\r\n");
    expect_has(answer, "<center>cohort</center>");
}

static void
test_return_stays_where_it_is(void **state)
{
    (void)state;
    assert_string_equal(body_of(ask(harness, "/outer/x", "")), "outer");
    expect_status(ask(harness, "/outer/inner", ""), 404);
}

static void
test_redirects(void **state)
{
    (void)state;
    expect_has(ask(harness, "/301", ""), "Location: http://test/x?y=%20z\r\n");
    expect_has(ask(harness, "/url", ""), "Location: http://other/\r\n");
    expect_status(ask(harness, "/url", ""), 302);
    expect_has(
        ask(harness, "/scheme?a=b", ""),
        "Location: http://test/scheme?a=b\r\n");
    expect_has(ask(harness, "/relative", ""), "Location: /a\r\n");
    expect_has(ask(harness, "/port", ""), "Location: http://test:");
    expect_has(ask(harness, "/name", ""), "Location: http://first/a\r\n");
}

static void
test_no_line_break_gets_through(void **state)
{
    const char *answer = ask(harness, "/split%0d%0aSet-Cookie:x", "");

    (void)state;
    expect_status(answer, 302);
    expect_has(answer, "/to/split%0D%0ASet-Cookie:x\r\n");
}

/* What may stand in a URL stays as it was written, the rest is escaped. */
static void
test_redirects_repeat_nothing_raw(void **state)
{
    (void)state;
    expect_has(
        ask(harness, "/split%20%22'%3c%3e%5c%5e%60%7b%7c%7d%7f%80%ff", ""),
        "/to/split%20%22'%3C%3E%5C%5E%60%7B%7C%7D%7F%80%FF\r\n");
    expect_has(
        ask(harness, "/split%25%3f%23[]~!$&()*+,;=:@", ""),
        "/to/split%?#[]~!$&()*+,;=:@\r\n");
    expect_has(
        ask(harness, "/query?a=\"<\xc3\xa9|%41%2f'?/", ""),
        "Location: http://test/to?a=%22%3C%C3%A9%7C%41%2f'?/\r\n");
    expect_has(
        ask(harness, "/written", ""),
        "Location: http://test/x%20y%20z?a=%zz#f%22%3C%3E[~]\r\n");
    expect_has(
        ask(harness, "/elsewhere?a=\"\xff%22", ""),
        "Location: http://o/%22%FF%22\r\n");
}

static void
test_redirect_without_host(void **state)
{
    (void)state;
    expect_has(
        ask_raw(harness, "GET /301 HTTP/1.0\r\n"),
        "Location: http://127.0.0.1/x");
}

static void
test_error_pages(void **state)
{
    const char *answer = ask(harness, "/errors/403", "");

    (void)state;
    expect_status(answer, 403);
    assert_string_equal(body_of(answer), "page  GET");
    expect_status(ask(harness, "/errors/404", ""), 200);
    answer = ask(harness, "/errors/410", "");
    expect_status(answer, 200);
    assert_string_equal(body_of(answer), "page  GET");
    answer = ask(harness, "/errors/402", "");
    expect_status(answer, 302);
    expect_has(answer, "Location: http://pay/\r\n");
    expect_status(ask(harness, "/errors/405", ""), 301);
    answer = ask(harness, "/errors/406", "");
    expect_status(answer, 406);
    assert_string_equal(body_of(answer), "named /errors/406");
    assert_string_equal(
        body_of(ask(harness, "/errors/409", "")), "page /errors/409 GET");
}

static void
test_error_of_an_error_page(void **state)
{
    const char *answer = ask(harness, "/errors/411", "");

    (void)state;
    expect_status(answer, 404);
    expect_has(answer, "<title>404 Not Found</title>");
    answer = ask(harness, "/errors/412", "");
    expect_status(answer, 302);
    expect_has(answer, "Location: http://test/elsewhere\r\n");
    expect_status(ask(harness, "/errors/413", ""), 500);
    answer = ask(harness, "/recursive", "");
    expect_status(answer, 404);
    assert_string_equal(body_of(answer), "page  GET");
}

/* A page that redirects, or that is not there, has no page itself. */
static void
test_no_page_of_a_page_is_looked_for_again(void **state)
{
    const char *answer = ask(harness, "/cycle/302", "");

    (void)state;
    expect_status(answer, 302);
    expect_has(answer, "Location: http://other/\r\n");
    answer = ask(harness, "/cycle/402", "");
    expect_status(answer, 302);
    expect_has(answer, "Location: http://pay/\r\n");
    expect_status(ask(harness, "/cycle/500", ""), 500);
    /* There is no room for a Location. */
    answer = ask(harness, "/full", "");
    expect_status(answer, 500);
    expect_has(answer, "X-Field: 99\r\n");
}

static void
test_error_page_gets_the_page(void **state)
{
    const char *answer = ask_raw(
        harness,
        "POST /errors/403 HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n");

    (void)state;
    expect_status(answer, 403);
    assert_string_equal(body_of(answer), "page  GET");
}

/* The page's own limit must not refuse the body once more. */
static void
test_error_page_of_a_large_body(void **state)
{
    const char *answer = ask_raw(
        harness, "POST /small HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n");

    (void)state;
    expect_status(answer, 413);
    assert_string_equal(body_of(answer), "page  GET");
}

static void
test_bad(void **state)
{
    (void)state;
    expect_told("server { return x; }", "invalid return code \"x\"");
    expect_told("server { return 1000; }", "invalid return code");
    expect_told("server { return 100; }", "does not end a request");
    expect_told("server { return 50; }", "code 50 does not end a request");
    expect_told("server { return 99 text; }", "does not end a request");
    expect_told("server { return 0 text; }", "does not end a request");
    expect_told("server { return 200 $nothing; }", "unknown \"nothing\"");
    expect_told("server { return 200 \"$ x\"; }", "invalid variable name");
    expect_told("error_page 200 /x;", "between 300 and 599");
    expect_told("error_page =200 /x;", "no status before the page");
    expect_told("error_page 404 =x /x;", "invalid value \"=x\"");
}

static int
close_instead(struct cohort_request *request, const void *settings, int status)
{
    (void)request;
    (void)settings;
    return status == 404 ? 444 : COHORT_PASS;
}

static void
test_a_status_hook_may_close(void **state)
{
    static const struct cohort_status_hook hook = {close_instead, NULL};
    static const struct cohort_http_module module = {.status_hook = &hook};
    const void *hooks = coh_error_page_module.hooks;
    struct harness *closing;

    (void)state;
    coh_error_page_module.hooks = &module;
    closing = harness_new(
        "access_log off; server { listen 127.0.0.1:8125;"
        " location = /404 { return 404; } location / { return 403; } }");
    coh_error_page_module.hooks = hooks;
    assert_string_equal(ask(closing, "/404", ""), "");
    expect_status(ask(closing, "/", ""), 403);
    harness_free(closing);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_no_text),
        cmocka_unit_test(test_constants_are_rendered),
        cmocka_unit_test(test_rendered_fields),
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_return_stays_where_it_is),
        cmocka_unit_test(test_redirects),
        cmocka_unit_test(test_no_line_break_gets_through),
        cmocka_unit_test(test_redirects_repeat_nothing_raw),
        cmocka_unit_test(test_redirect_without_host),
        cmocka_unit_test(test_error_pages),
        cmocka_unit_test(test_error_of_an_error_page),
        cmocka_unit_test(test_no_page_of_a_page_is_looked_for_again),
        cmocka_unit_test(test_error_page_gets_the_page),
        cmocka_unit_test(test_error_page_of_a_large_body),
        cmocka_unit_test(test_a_status_hook_may_close),
        cmocka_unit_test(test_bad),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
