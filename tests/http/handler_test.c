/* Handlers of a program: what they may return, and what that does. */
#include "tests/core/test.h"

#include <string.h>

#include <cohort/module/phase.h>

#include "http/modules/handler.h"
#include "tests/http/ask.h"
#include "tests/http/read.h"

static int
answer_text(struct cohort_request *request, void *user)
{
    return cohort_respond_text(request, 200, user);
}

/* user points at what to return. */
static int
return_number(struct cohort_request *request, void *user)
{
    (void)request;
    return *(const int *)user;
}

static int
redirect_after_answer(struct cohort_request *request, void *user)
{
    cohort_respond_text(request, 200, user);
    return cohort_redirect_internal(request, cohort_str("/text"), NULL);
}

/* Leave it, and go on with what user points at. */
static int
resume_later(struct cohort_request *request, void *user)
{
    cohort_resume(request, *(const int *)user);
    return COHORT_LATER;
}

/* user points at the status. */
static int
answer_with(struct cohort_request *request, void *user)
{
    return cohort_respond(request, *(const int *)user, NULL, "x", 1);
}

static int
give_x(struct cohort_request *request, size_t room, void *user)
{
    (void)room;
    (void)user;
    cohort_write(request, "x", 1);
    return COHORT_DONE;
}

static int
stream_with(struct cohort_request *request, void *user)
{
    return cohort_respond_stream(
        request, *(const int *)user, NULL, 1, give_x, NULL);
}

static int numbers[] = {404, COHORT_PASS, 204, 7, -77, 200};
static int statuses[] = {0, 99, 100, 1000, -1, 200, 999};
static char text[] = "from C";

static const struct coh_handler handlers[] = {
    {answer_text, text},          {return_number, &numbers[0]},
    {return_number, &numbers[1]}, {return_number, &numbers[2]},
    {return_number, &numbers[3]}, {return_number, &numbers[4]},
    {return_number, &numbers[5]}, {redirect_after_answer, text},
    {resume_later, &numbers[0]},  {resume_later, &numbers[1]},
    {answer_with, &statuses[0]},  {answer_with, &statuses[1]},
    {answer_with, &statuses[2]},  {answer_with, &statuses[3]},
    {answer_with, &statuses[4]},  {answer_with, &statuses[5]},
    {answer_with, &statuses[6]},  {stream_with, &statuses[1]},
    {stream_with, &statuses[3]},  {stream_with, &statuses[5]},
};

static struct harness *harness;

static int
setup(void **state)
{
    (void)state;
    coh_handlers_set(handlers, sizeof(handlers) / sizeof(handlers[0]));
    harness = harness_new(
        "access_log off; server { listen 127.0.0.1:8123; root /nowhere;"
        " location = /text { handler 0; }"
        " location = /404 { handler 1; error_page 404 =203 /text; }"
        " location = /pass { handler 2; }"
        " location = /204 { handler 3; }"
        " location = /7 { handler 4; }"
        " location = /negative { handler 5; }"
        " location = /200 { handler 6; }"
        " location = /twice { handler 7; }"
        " location = /later404 { handler 8; }"
        " location = /laterpass { handler 9; }"
        " location = /0 { handler 10; } location = /99 { handler 11; }"
        " location = /100 { handler 12; } location = /1000 { handler 13; }"
        " location = /-1 { handler 14; } location = /with200 { handler 15; }"
        " location = /999 { handler 16; } location = /s99 { handler 17; }"
        " location = /s1000 { handler 18; } location = /s200 { handler 19; }"
        " location /outer { handler 0; location /outer/inner { } } }");
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
test_verdicts(void **state)
{
    const char *answer = ask(harness, "/text", "");

    (void)state;
    expect_status(answer, 200);
    assert_string_equal(body_of(answer), "from C");
    answer = ask(harness, "/404", "");
    expect_status(answer, 203);
    assert_string_equal(body_of(answer), "from C");
    /* Nothing to say: the file handler is next. */
    expect_status(ask(harness, "/pass", ""), 404);
    expect_status(ask(harness, "/204", ""), 204);
    expect_status(ask(harness, "/200", ""), 200);
}

static void
test_wrong_verdicts(void **state)
{
    (void)state;
    harness_log(harness);
    expect_status(ask(harness, "/7", ""), 500);
    expect_has(harness_log(harness), "a handler returned 7, which is neither");
    expect_status(ask(harness, "/negative", ""), 500);
    expect_has(harness_log(harness), "a handler returned -77");
    /* The first answer is out, and nothing behind it. */
    assert_string_equal(body_of(ask(harness, "/twice", "")), "from C");
}

static void
test_statuses_of_answers(void **state)
{
    static const char *const wrong[] = {"/0",  "/99",  "/100",  "/1000",
                                        "/-1", "/s99", "/s1000"};
    size_t i;

    (void)state;
    harness_log(harness);
    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        expect_status(ask(harness, wrong[i], ""), 500);
        expect_has(harness_log(harness), "which is not a response's status");
    }
    expect_status(ask(harness, "/999", ""), 999);
    assert_string_equal(body_of(ask(harness, "/with200", "")), "x");
    assert_string_equal(body_of(ask(harness, "/s200", "")), "x");
}

static void
test_later(void **state)
{
    (void)state;
    expect_status(ask(harness, "/later404", ""), 404);
    expect_status(ask(harness, "/laterpass", ""), 404);
}

static void
test_not_inherited(void **state)
{
    (void)state;
    assert_string_equal(body_of(ask(harness, "/outer/x", "")), "from C");
    expect_status(ask(harness, "/outer/inner", ""), 404);
}

static void
test_bad(void **state)
{
    (void)state;
    expect_told("server { location / { handler 99; } }", "no handler \"99\"");
    coh_handlers_set(NULL, 0);
    expect_told(
        "server { location / { handler 0; } }", "there are no handlers in");
    coh_handlers_set(handlers, sizeof(handlers) / sizeof(handlers[0]));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_wrong_verdicts),
        cmocka_unit_test(test_statuses_of_answers),
        cmocka_unit_test(test_later),
        cmocka_unit_test(test_not_inherited),
        cmocka_unit_test(test_bad),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
