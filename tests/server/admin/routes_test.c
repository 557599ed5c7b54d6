/* Paths and methods: who answers where, and what is refused before the primary
   is asked. */
#include <stdlib.h>
#include <string.h>

#include "server/admin/service.h"
#include "tests/core/test.h"
#include "tests/server/admin/fake_http.h"

static int
setup(void **state)
{
    *state = fake_new();
    return 0;
}

static int
teardown(void **state)
{
    fake_free(*state);
    return 0;
}

static void
check(
    const char *method, const char *path, const char *body, int status,
    const char *part)
{
    struct cohort_request *request = fake_request(method, path, body);

    assert_int_equal(request->status, status);
    assert_non_null(strstr(request->answer, part));
    fake_end(request);
}

static void
test_unknown_paths_are_404(void **state)
{
    struct fake *fake = *state;

    check("GET", "/", NULL, 404, "nothing here");
    check("GET", "/v1", NULL, 404, "nothing here");
    check("GET", "/v1/status/", NULL, 404, "nothing here");
    check("GET", "/v1/workers/", NULL, 404, "a number");
    check("GET", "/v1/workers/-1", NULL, 404, "a number");
    check("GET", "/v1/workers/1x", NULL, 404, "a number");
    check("GET", "/v1/workers/99999999999999999999999", NULL, 404, "a number");
    check("POST", "/v1/workers/1/", NULL, 404, "/messages");
    check("POST", "/v1/workers/1/killing", NULL, 404, "/messages");
    assert_int_equal(fake->ask_count, 0);
}

static void
test_wrong_methods_are_405_with_the_right_ones(void **state)
{
    static const struct {
        const char *method;
        const char *path;
        const char *allow;
    } cases[] = {
        {"POST", "/v1/status", "GET, HEAD"},
        {"PUT", "/v1/workers", "GET, HEAD, POST"},
        {"PATCH", "/v1/workers/3", "GET, HEAD, POST"},
        {"POST", "/v1/workers/3", "GET, HEAD"},
        {"GET", "/v1/workers/3/kill", "POST"},
        {"GET", "/v1/workers/3/messages", "POST"},
        {"GET", "/v1/reload", "POST"},
        {"HEAD", "/v1/stop", "POST"},
        {"DELETE", "/v1/groups/main", "PATCH"},
        {"POST", "/metrics", "GET, HEAD"},
        {"get", "/v1/status", "GET, HEAD"},
    };
    struct fake *fake = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cohort_request *request =
            fake_request(cases[i].method, cases[i].path, NULL);

        assert_int_equal(request->status, 405);
        assert_string_equal(request->allow, cases[i].allow);
        fake_end(request);
    }
    assert_int_equal(fake->ask_count, 0);
}

static void
test_head_is_asked_as_get(void **state)
{
    struct fake *fake = *state;
    struct cohort_request *request = fake_request("HEAD", "/healthz", NULL);

    assert_int_equal(request->verdict, COHORT_LATER);
    assert_int_equal(fake->ask_count, 1);
    fake_outcome(fake, 0, 0, 0, "");
    assert_int_equal(request->status, 200);
    fake_end(request);
}

/* Only these three stand in the server that anybody may ask. */
static void
test_a_read_only_address_has_three_locations(void **state)
{
    const char *at = strstr(fake_directives(), "listen unix:/read_only");
    unsigned count = 0;

    (void)state;
    assert_non_null(at);
    assert_non_null(strstr(at, "location = /metrics "));
    assert_non_null(strstr(at, "location = /healthz "));
    assert_non_null(strstr(at, "location = /readyz "));
    while ((at = strstr(at, "location = ")) != NULL) {
        count++;
        at++;
    }
    assert_int_equal(count, 3);
}

static void
test_bodies_and_clients_are_bounded(void **state)
{
    (void)state;
    assert_non_null(strstr(fake_directives(), "client_max_body_size 64k;"));
    assert_non_null(strstr(fake_directives(), "client_header_timeout"));
    assert_non_null(strstr(fake_directives(), "return 403"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_unknown_paths_are_404, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_wrong_methods_are_405_with_the_right_ones, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_head_is_asked_as_get, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_a_read_only_address_has_three_locations, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_bodies_and_clients_are_bounded, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
