/* Bodies: in whatever pieces they come, what they are refused for, and what is
   made of them in a question. */
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
check(const char *path, const char *body, int status, const char *part)
{
    bool is_group = strncmp(path, "/v1/groups", 10) == 0;
    struct cohort_request *request =
        fake_request(is_group ? "PATCH" : "POST", path, body);

    assert_int_equal(request->status, status);
    assert_non_null(strstr(request->answer, part));
    fake_end(request);
}

static void
test_a_body_in_pieces_is_one(void **state)
{
    struct fake *fake = *state;

    for (size_t piece = 1; piece < 8; piece++) {
        struct cohort_request *request = fake_prepare(
            "PATCH", "/v1/groups/main", " {\"processes\":\t17}\r\n");

        request->piece = piece;
        request->is_chunked = piece % 2;
        fake_send(request);
        assert_int_equal(request->verdict, COHORT_LATER);
        assert_int_equal(fake->ask_count, piece);
        assert_int_equal(fake->asks[piece - 1].frame.verb, COH_ASK_SCALE);
        assert_int_equal(fake->asks[piece - 1].frame.value, 17);
        fake_outcome(fake, piece - 1, 0, 0, "done");
        assert_int_equal(request->status, 200);
        fake_end(request);
    }
}

static void
test_what_is_no_json_is_400_with_its_place(void **state)
{
    struct fake *fake = *state;

    check("/v1/groups/main", "{", 400, "\"line\":1,\"column\":2");
    check("/v1/groups/main", "{\n \"a\": 01}", 400, "\"line\":2");
    check("/v1/groups/main", "{\"a\":\xff}", 400, "\"offset\":5");
    check(
        "/v1/workers/1/messages", "[1,\n2,,]", 400, "\"line\":2,\"column\":3");
    check("/v1/workers/1/messages", NULL, 400, "no JSON");
    check("/v1/workers/1/messages", "{} {}", 400, "no JSON");
    assert_int_equal(fake->ask_count, 0);
}

static void
test_values_that_cannot_be_are_422(void **state)
{
    struct fake *fake = *state;

    check("/v1/groups/main", NULL, 422, "processes");
    check("/v1/groups/main", "[]", 422, "must be an object");
    check("/v1/groups/main", "{\"processes\":1.5}", 422, "workers");
    check("/v1/groups/main", "{\"processes\":4294967296}", 422, "workers");
    check("/v1/groups/main", "{\"processes\":-1}", 422, "workers");
    check("/v1/workers", "{\"group\":7}", 422, "worker group");
    check("/v1/workers", "{\"env\":{\"A\":null}}", 422, "env");
    check("/v1/workers", "{\"env\":{\"A\":\"\\u0000\"}}", 422, "env");
    check("/v1/workers/1/kill", "{\"signal\":\"SIGNONE\"}", 422, "signal");
    check("/v1/workers/1/kill", "{\"signal\":\"TERM\\u0000\"}", 422, "signal");
    check("/v1/workers/1/kill", "{\"signal\":0}", 422, "signal");
    check("/v1/workers/1/kill", "{\"signal\":32}", 422, "signal");
    check("/v1/workers/1/kill", "{\"signal\":\"-9\"}", 422, "signal");
    assert_int_equal(fake->ask_count, 0);
}

/* Who misspells a member would have something else done. */
static void
test_members_that_nobody_knows_are_422(void **state)
{
    struct fake *fake = *state;
    char body[512];

    check(
        "/v1/workers", "{\"group\":\"app\",\"cuont\":3}", 422,
        "no member \\\"cuont\\\" is known here, but \\\"group\\\", "
        "\\\"count\\\", \\\"env\\\"\"");
    check("/v1/reload", "{\"forec\":true}", 422, "but \\\"force\\\"\"");
    check(
        "/v1/quit", "{\"wait\":false,\"not_ready_first\":1}", 422,
        "\\\"not_ready_first\\\" is known here, but "
        "\\\"not_ready_first_ms\\\", \\\"wait\\\"");
    check("/v1/groups/main", "{\"processes\":2,\"\":1}", 422, "\\\"\\\" is");
    check("/v1/workers/1/kill", "{\"sig\":9}", 422, "\\\"signal\\\"");
    check("/v1/workers/1/replace", "{\"a\":1}", 422, "known here\"");
    check("/v1/workers/1/disconnect", "{\"a\":1}", 422, "known here\"");
    check("/v1/stop", "{\"wait\":true}", 422, "known here\"");
    check("/v1/reopen", "{\"a\":1}", 422, "known here\"");
    check("/v1/upgrade", "{\"a\":1}", 422, "known here\"");
    memset(body, 'x', sizeof(body));
    memcpy(body, "{\"", 2);
    memcpy(body + sizeof(body) - 5, "\":1}", 5);
    check("/v1/reload", body, 422, "xxx\\\" is known here, but \\\"force\\\"");
    assert_int_equal(fake->ask_count, 0);
}

/* Also one that does not say its length. */
static void
test_what_is_too_large_is_413(void **state)
{
    struct fake *fake = *state;
    char *body = malloc(COH_ADMIN_MESSAGE_MAX + 2);
    struct cohort_request *request;

    memset(body, ' ', COH_ADMIN_MESSAGE_MAX + 1);
    body[0] = '1';
    body[COH_ADMIN_MESSAGE_MAX + 1] = '\0';
    request = fake_prepare("POST", "/v1/workers/1/messages", body);
    request->is_chunked = true;
    request->piece = 1000;
    fake_send(request);
    assert_int_equal(request->status, 413);
    fake_end(request);
    assert_int_equal(fake->ask_count, 0);

    body[COH_ADMIN_MESSAGE_MAX] = '\0';
    request = fake_request("POST", "/v1/workers/1/messages", body);
    assert_int_equal(request->verdict, COHORT_LATER);
    assert_int_equal(fake->asks[0].size, COH_ADMIN_MESSAGE_MAX);
    fake_end(request);
    free(body);
}

static void
test_signals_by_name_and_number(void **state)
{
    static const struct {
        const char *body;
        unsigned number;
    } cases[] = {
        {NULL, 15},
        {"{}", 15},
        {"{\"signal\":\"KILL\"}", 9},
        {"{\"signal\":\"SIGKILL\"}", 9},
        {"{\"signal\":\"sigusr1\"}", 10},
        {"{\"signal\":\"3\"}", 3},
        {"{\"signal\":31}", 31},
    };
    struct fake *fake = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cohort_request *request =
            fake_request("POST", "/v1/workers/12/kill", cases[i].body);

        assert_int_equal(fake->asks[i].frame.verb, COH_ASK_KILL);
        assert_int_equal(fake->asks[i].frame.worker_id, 12);
        assert_int_equal(fake->asks[i].frame.value, cases[i].number);
        fake_end(request);
    }
}

/* As it came, byte by byte. */
static void
test_a_message_goes_as_its_text(void **state)
{
    static const char *const texts[] = {
        "{\"a\":[1, 2]}", "\"\\u00e9\"", "12345678901234567890123",
        " null ",         "-0.0",
    };
    struct fake *fake = *state;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct cohort_request *request =
            fake_request("POST", "/v1/workers/5/messages", texts[i]);

        assert_int_equal(fake->asks[i].frame.verb, COH_ASK_MESSAGE);
        assert_int_equal(fake->asks[i].frame.worker_id, 5);
        assert_string_equal(fake->asks[i].data, texts[i]);
        fake_outcome(fake, i, 0, 0, "");
        assert_int_equal(request->status, 202);
        assert_string_equal(request->answer, "{\"told\":true}\n");
        fake_end(request);
    }
}

static void
test_an_environment_is_a_list(void **state)
{
    static const char expected[] = "A=1\0B=x=y\0EMPTY=";
    struct fake *fake = *state;
    struct cohort_request *request = fake_request(
        "POST", "/v1/workers",
        "{\"count\":3,\"group\":\"app\","
        "\"env\":{\"A\":\"1\",\"B\":\"x=y\",\"EMPTY\":\"\"}}");

    assert_int_equal(fake->asks[0].frame.verb, COH_ASK_GROW);
    assert_int_equal(fake->asks[0].frame.value, 3);
    assert_string_equal(fake->asks[0].frame.group, "app");
    assert_int_equal(fake->asks[0].size, sizeof(expected));
    assert_memory_equal(fake->asks[0].data, expected, sizeof(expected));
    fake_end(request);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_a_body_in_pieces_is_one, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_what_is_no_json_is_400_with_its_place, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_values_that_cannot_be_are_422, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_members_that_nobody_knows_are_422, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_what_is_too_large_is_413, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_signals_by_name_and_number, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_a_message_goes_as_its_text, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_an_environment_is_a_list, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
