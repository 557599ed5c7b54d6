/* The event stream: lines, in whatever room there is; what is gone is counted;
   nobody waits for a listener. */
#include "server/admin/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* The primary tells an event; frame's name is set here. */
static void
tell(
    struct fake *fake, struct coh_frame_event frame, const char *name,
    const char *text)
{
    size_t size = strlen(text);
    struct coh_frame_event *sent = malloc(sizeof(*sent) + size);

    snprintf(frame.name, sizeof(frame.name), "%s", name);
    *sent = frame;
    memcpy(sent + 1, text, size);
    coh_admin_event(fake->admin, sent, sizeof(*sent) + size);
    free(sent);
}

static void
tell_plain(struct fake *fake, uint64_t number)
{
    tell(fake, (struct coh_frame_event){.number = number}, "drop", "");
}

static struct cohort_request *
listen_since(const char *target)
{
    struct cohort_request *request = fake_request("GET", target, NULL);

    assert_int_equal(request->status, 200);
    assert_string_equal(request->type, "application/x-ndjson");
    return request;
}

static void
check_line(struct cohort_request *request, const char *expected)
{
    assert_int_equal(fake_pull(request, 100000), COHORT_LATER);
    assert_string_equal(request->answer, expected);
}

#define TIME "\"time\":\"1970-01-01T00:00:01.500Z\""

static void
test_members_that_say_nothing_are_left_out(void **state)
{
    struct fake *fake = *state;
    struct cohort_request *request = listen_since("/v1/events?since=0");

    tell(
        fake, (struct coh_frame_event){.number = 1, .time_ms = 1500},
        "accept_paused", "");
    check_line(request, "{\"seq\":1," TIME ",\"event\":\"accept_paused\"}\n");
    fake_end(request);
}

static void
test_an_exit_says_all(void **state)
{
    struct fake *fake = *state;
    struct cohort_request *request = listen_since("/v1/events?since=0");

    tell(
        fake,
        (struct coh_frame_event){
            .number = 1,
            .time_ms = 1500,
            .worker_id = 7,
            .pid = 99,
            .generation = 2,
            .is_exit = 1,
            .code = -1,
            .signal = 9,
            .reason = "kill",
            .is_wanted = 1,
            .group = "app",
        },
        "exit", "");
    check_line(
        request,
        "{\"seq\":1," TIME ",\"event\":\"exit\",\"worker\":7,\"pid\":99,"
        "\"group\":\"app\",\"generation\":2,\"code\":null,\"signal\":9,"
        "\"reason\":\"kill\",\"exitedAfterDisconnect\":true}\n");
    fake_end(request);
}

static void
test_messages_are_values(void **state)
{
    static const struct {
        const char *text;
        const char *member;
    } cases[] = {
        {"{\"a\": [ 1 ]}", "\"size\":12,\"message\":{\"a\":[1]}}\n"},
        {"\"\\n\"", "\"size\":4,\"message\":\"\\n\"}\n"},
        /* Valid, but not to be held: as text. */
        {"123456789012345678901234567890",
         "\"size\":30,\"text\":\"123456789012345678901234567890\"}\n"},
        /* A worker that was taken over may say anything. */
        {"}\n{\"seq\":9}", "\"size\":11,\"text\":\"}\\n{\\\"seq\\\":9}\"}\n"},
    };
    struct fake *fake = *state;
    struct cohort_request *request = listen_since("/v1/events?since=0");

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tell(
            fake,
            (struct coh_frame_event){
                .number = i + 1,
                .text_kind = COH_EVENT_TEXT_JSON,
                .message_size = strlen(cases[i].text),
            },
            "message", cases[i].text);
        request->answer_size = 0;
        assert_int_equal(fake_pull(request, 100000), COHORT_LATER);
        assert_non_null(strstr(request->answer, cases[i].member));
        assert_ptr_equal(
            strchr(request->answer, '\n'),
            request->answer + request->answer_size - 1);
    }
    fake_end(request);
}

static void
test_what_is_no_utf8_is_told_by_question_marks(void **state)
{
    struct fake *fake = *state;
    struct cohort_request *request = listen_since("/v1/events?since=0");

    tell(fake, (struct coh_frame_event){.number = 1}, "error", "a\xff\xfe");
    check_line(
        request,
        "{\"seq\":1,\"time\":null,\"event\":\"error\",\"text\":\"a??\"}\n");
    fake_end(request);
}

/* --- who gets what -------------------------------------------------------- */

static void
test_a_line_goes_in_whatever_room_there_is(void **state)
{
    struct fake *fake = *state;
    struct cohort_request *request = listen_since("/v1/events?since=0");
    const char *first = "{\"seq\":1,\"time\":null,\"event\":\"drop\"}\n";

    tell_plain(fake, 1);
    tell_plain(fake, 2);
    for (size_t i = 0; i < strlen(first); i++) {
        assert_int_equal(fake_pull(request, 1), COHORT_LATER);
    }
    assert_string_equal(request->answer, first);
    assert_int_equal(fake_pull(request, 100000), COHORT_LATER);
    assert_int_equal(request->answer_size, 2 * strlen(first));
    fake_end(request);
}

static void
test_who_waits_is_woken_once(void **state)
{
    struct fake *fake = *state;
    struct cohort_request *request = listen_since("/v1/events");

    assert_int_equal(fake_pull(request, 100), COHORT_LATER);
    assert_int_equal(request->resumed_count, 0);
    tell_plain(fake, 1);
    tell_plain(fake, 2);
    assert_int_equal(request->resumed_count, 1);
    assert_int_equal(fake_pull(request, 100000), COHORT_LATER);
    tell_plain(fake, 3);
    assert_int_equal(request->resumed_count, 2);
    fake_end(request);
    tell_plain(fake, 4); /* nobody is left */
}

static void
test_since_chooses_the_first(void **state)
{
    struct fake *fake = *state;
    struct cohort_request *request;

    for (uint64_t i = 1; i <= 5; i++) {
        tell_plain(fake, i);
    }
    request = listen_since("/v1/events?since=3");
    fake_pull(request, 100000);
    assert_ptr_equal(strstr(request->answer, "{\"seq\":4,"), request->answer);
    fake_end(request);
    request = listen_since("/v1/events");
    fake_pull(request, 100000);
    assert_string_equal(request->answer, "");
    fake_end(request);
    request = listen_since("/v1/events?since=99"); /* not yet */
    fake_pull(request, 100000);
    assert_string_equal(request->answer, "");
    fake_end(request);
}

static void
test_a_bad_since_is_422(void **state)
{
    static const char *const targets[] = {
        "/v1/events?since=",
        "/v1/events?since=-1",
        "/v1/events?since=1&a=2",
        "/v1/events?from=1",
        "/v1/events?since=99999999999999999999",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        struct cohort_request *request = fake_request("GET", targets[i], NULL);

        assert_int_equal(request->status, 422);
        fake_end(request);
    }
}

static void
test_who_is_too_slow_is_told_how_many_are_gone(void **state)
{
    struct fake *fake = *state;
    struct cohort_request *request = listen_since("/v1/events?since=0");

    for (uint64_t i = 1; i <= COH_ADMIN_EVENTS_KEPT + 10; i++) {
        tell_plain(fake, i);
    }
    assert_int_equal(fake_pull(request, 120), COHORT_LATER);
    assert_ptr_equal(
        strstr(
            request->answer,
            "{\"event\":\"lost\",\"first\":1,\"count\":10}\n{\"seq\":11,"),
        request->answer);
    fake_end(request);
}

/* Who asks for all of them does not hold up the others. */
static void
test_what_was_told_in_a_long_life_is_not_looked_through(void **state)
{
    struct fake *fake = *state;
    struct cohort_request *request = listen_since("/v1/events?since=0");

    tell_plain(fake, 1000000000000);
    alarm(30); /* one by one it takes hours */
    assert_int_equal(fake_pull(request, 100000), COHORT_LATER);
    alarm(0);
    assert_ptr_equal(
        strstr(
            request->answer,
            "{\"event\":\"lost\",\"first\":1,\"count\":999999999999}\n"
            "{\"seq\":1000000000000,"),
        request->answer);
    fake_end(request);
}

static void
test_a_line_that_is_gone_before_its_end_cuts_the_stream(void **state)
{
    struct fake *fake = *state;
    struct cohort_request *request = listen_since("/v1/events?since=0");

    tell_plain(fake, 1);
    assert_int_equal(fake_pull(request, 5), COHORT_LATER);
    for (uint64_t i = 2; i <= COH_ADMIN_EVENTS_KEPT + 1; i++) {
        tell_plain(fake, i);
    }
    assert_int_equal(fake_pull(request, 100), 500);
    fake_end(request);
}

static void
test_streams_end_when_the_helper_leaves(void **state)
{
    struct fake *fake = *state;
    struct cohort_request *request = listen_since("/v1/events?since=0");

    assert_int_equal(fake_pull(request, 100), COHORT_LATER);
    tell_plain(fake, 1);
    coh_admin_drain(fake->admin);
    assert_int_equal(fake_pull(request, 100000), COHORT_DONE);
    assert_non_null(strstr(request->answer, "\"seq\":1"));
    fake_end(request);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_members_that_say_nothing_are_left_out, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_exit_says_all, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_messages_are_values, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_what_is_no_utf8_is_told_by_question_marks, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_a_line_goes_in_whatever_room_there_is, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_who_waits_is_woken_once, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_since_chooses_the_first, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_a_bad_since_is_422, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_who_is_too_slow_is_told_how_many_are_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_what_was_told_in_a_long_life_is_not_looked_through, setup,
            teardown),
        cmocka_unit_test_setup_teardown(
            test_a_line_that_is_gone_before_its_end_cuts_the_stream, setup,
            teardown),
        cmocka_unit_test_setup_teardown(
            test_streams_end_when_the_helper_leaves, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
