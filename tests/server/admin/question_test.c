/* Questions: what a result means to the client, several of them for one
   request, and what comes when nobody waits any more. */
#include "server/admin/question.h"

#include <errno.h>
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
test_results_become_statuses(void **state)
{
    static const struct {
        int result;
        int status;
    } cases[] = {
        {0, 202},       {-ENOENT, 404},     {-EALREADY, 409}, {-EBUSY, 409},
        {-EINVAL, 422}, {-EOPNOTSUPP, 422}, {-EAGAIN, 503},   {-ENOBUFS, 503},
        {-ENOMEM, 500}, {-ETIMEDOUT, 500},
    };
    struct fake *fake = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cohort_request *request =
            fake_request("POST", "/v1/workers/3/disconnect", NULL);

        assert_int_equal(request->verdict, COHORT_LATER);
        assert_int_equal(fake->asks[i].frame.worker_id, 3);
        fake_outcome(fake, i, cases[i].result, 0, "because");
        assert_int_equal(request->status, cases[i].status);
        assert_int_equal(request->resumed_count, 1);
        if (cases[i].result < 0) {
            assert_string_equal(request->answer, "{\"error\":\"because\"}\n");
        }
        fake_end(request);
    }
}

static void
test_an_error_without_words_has_those_of_the_system(void **state)
{
    struct fake *fake = *state;
    struct cohort_request *request = fake_request("POST", "/v1/reopen", NULL);

    fake_outcome(fake, 0, -ENOSPC, 0, "");
    assert_int_equal(request->status, 500);
    assert_non_null(strstr(request->answer, strerror(ENOSPC)));
    fake_end(request);
}

/* A character that was cut, by the primary or here, does not cost the rest. */
static void
test_words_that_are_no_utf_8_are_told(void **state)
{
    struct fake *fake = *state;
    struct cohort_request *request = fake_request("POST", "/v1/reload", NULL);
    char text[600];

    fake_outcome(fake, 0, -EINVAL, 7, "\xe4.conf:1: \xc3\xa4\x1e\xc3");
    assert_int_equal(request->status, 422);
    assert_non_null(strstr(request->answer, "[\"?.conf:1: \xc3\xa4\",\"?\"]"));
    fake_end(request);

    request = fake_request("POST", "/v1/reopen", NULL);
    for (size_t i = 0; i < sizeof(text); i += 2) {
        memcpy(text + i, "\xc3\xa4", 2);
    }
    text[sizeof(text) - 1] = '\0';
    fake_outcome(fake, 1, -EBUSY, 0, text);
    assert_int_equal(request->status, 409);
    assert_non_null(strstr(request->answer, "\xc3\xa4?\"}"));
    fake_end(request);
}

static void
test_a_reload_tells_all_errors(void **state)
{
    struct fake *fake = *state;
    struct cohort_request *request = fake_request("POST", "/v1/reload", NULL);

    fake_outcome(
        fake, 0, -EINVAL, 7,
        "a.conf:1:2: \"x\"\n  x;\x1e"
        "b\x1e");
    assert_int_equal(request->status, 422);
    assert_non_null(strstr(
        request->answer,
        "\"errors\":[\"a.conf:1:2: \\\"x\\\"\\n  x;\",\"b\"]"));
    assert_non_null(strstr(request->answer, "\"generation\":7"));
    fake_end(request);

    request = fake_request("POST", "/v1/reload", NULL);
    fake_outcome(fake, 1, -EIO, 7, "the port is taken");
    assert_int_equal(request->status, 500);
    assert_non_null(strstr(request->answer, "the port is taken"));
    fake_end(request);
}

static void
test_a_primary_that_cannot_be_asked_is_503(void **state)
{
    struct fake *fake = *state;
    struct cohort_request *request;

    fake->ask_result = -ENOBUFS;
    request = fake_request("GET", "/v1/status", NULL);
    assert_int_equal(request->status, 503);
    fake_end(request);
}

/* --- whose client has gone ------------------------------------------------ */

static void
test_answers_for_nobody_are_dropped(void **state)
{
    struct fake *fake = *state;
    struct coh_frame_part part = {.kind = COH_PART_STATUS};

    fake_end(fake_request("GET", "/v1/status", NULL));
    part.number = fake->asks[0].frame.number;
    coh_admin_part(fake->admin, &part, sizeof(part), -1);
    fake_outcome(fake, 0, 0, 0, "");
    fake_outcome(fake, 0, 0, 0, ""); /* nor twice */
    part.number = 12345;
    coh_admin_part(fake->admin, &part, sizeof(part), -1);
}

static void
test_answers_find_their_requests(void **state)
{
    struct fake *fake = *state;
    struct cohort_request *first =
        fake_request("POST", "/v1/workers/1/kill", NULL);
    struct cohort_request *second =
        fake_request("POST", "/v1/workers/2/kill", NULL);

    fake_outcome(fake, 1, -ENOENT, 0, "second");
    assert_int_equal(first->status, 0);
    assert_int_equal(second->status, 404);
    fake_outcome(fake, 0, 0, 0, "");
    assert_int_equal(first->status, 202);
    fake_end(first);
    fake_end(second);
}

/* --- parts ---------------------------------------------------------------- */

static void
send_workers(struct fake *fake, uint64_t first_id, uint32_t count)
{
    struct coh_part_workers *part = calloc(1, sizeof(*part));

    part->head = (struct coh_frame_part){
        .number = fake->asks[0].frame.number,
        .kind = COH_PART_WORKERS,
        .count = count,
    };
    for (uint32_t i = 0; i < count; i++) {
        part->workers[i] = (struct coh_part_worker){
            .id = first_id + i,
            .slot = COH_ADMIN_NOBODY,
            .connections = COH_ADMIN_UNKNOWN,
            .requests = 5,
            .lag_ms = i == 0 ? COH_ADMIN_UNKNOWN : 12,
            .is_leaving = i,
            .state = "serving",
            .group = "main",
        };
    }
    coh_admin_part(
        fake->admin, part,
        sizeof(part->head) + count * sizeof(part->workers[0]), -1);
    free(part);
}

static void
test_workers_of_several_parts_are_one_list(void **state)
{
    struct fake *fake = *state;
    struct cohort_request *request = fake_request("GET", "/v1/workers", NULL);

    send_workers(fake, 1, 2);
    send_workers(fake, 9, 1);
    fake_outcome(fake, 0, 0, 0, "");
    assert_int_equal(request->status, 200);
    assert_non_null(strstr(request->answer, "{\"workers\":[{\"id\":1,"));
    assert_non_null(strstr(request->answer, "},{\"id\":2,"));
    assert_non_null(strstr(request->answer, "},{\"id\":9,"));
    assert_non_null(strstr(request->answer, "\"slot\":null,\"pid\":null"));
    assert_non_null(
        strstr(request->answer, "\"connections\":null,\"requests\":5"));
    assert_non_null(strstr(request->answer, "\"loop_lag_ms\":null"));
    assert_non_null(strstr(request->answer, "\"loop_lag_ms\":12"));
    assert_non_null(strstr(request->answer, "\"exitedAfterDisconnect\":true"));
    fake_end(request);
}

static void
test_a_worker_that_no_part_is_about_is_404(void **state)
{
    struct fake *fake = *state;
    struct cohort_request *request = fake_request("GET", "/v1/workers/4", NULL);

    assert_int_equal(fake->asks[0].frame.verb, COH_ASK_WORKERS);
    assert_int_equal(fake->asks[0].frame.worker_id, 4);
    fake_outcome(fake, 0, -ENOENT, 0, "worker 4 is gone");
    assert_int_equal(request->status, 404);
    fake_end(request);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_results_become_statuses, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_an_error_without_words_has_those_of_the_system, setup,
            teardown),
        cmocka_unit_test_setup_teardown(
            test_words_that_are_no_utf_8_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_a_reload_tells_all_errors, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_a_primary_that_cannot_be_asked_is_503, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_answers_for_nobody_are_dropped, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_answers_find_their_requests, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_workers_of_several_parts_are_one_list, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_a_worker_that_no_part_is_about_is_404, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
