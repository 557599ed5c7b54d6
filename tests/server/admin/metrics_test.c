/* /metrics: families stand together, buckets add up, times are seconds. */
#include <stdlib.h>
#include <string.h>

#include <cohort/cohort.h>

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
send_counter(
    struct fake *fake, const char *name, enum cohort_counter_kind kind,
    const char *labels, uint64_t value)
{
    static const char help[] = "What it counts.";
    size_t size = sizeof(struct coh_part_counter) + strlen(name) +
        strlen(help) + strlen(labels);
    struct coh_part_counter *part = calloc(1, size + 1);

    part->head = (struct coh_frame_part){
        .number = fake->asks[0].frame.number,
        .kind = COH_PART_COUNTER,
        .count = 1,
    };
    part->value = value;
    part->kind = kind;
    part->name_size = (uint16_t)strlen(name);
    part->help_size = (uint16_t)strlen(help);
    part->labels_size = (uint16_t)strlen(labels);
    strcpy((char *)(part + 1), name);
    strcat((char *)(part + 1), help);
    strcat((char *)(part + 1), labels);
    coh_admin_part(fake->admin, part, size, -1);
    free(part);
}

/* What the last bytes of an answer are made of. */
static struct cohort_request *
ask(struct fake *fake)
{
    struct cohort_request *request = fake_request("GET", "/metrics", NULL);

    assert_true(fake->ask_count >= 3);
    /* All questions of one request have one number. */
    assert_int_equal(fake->asks[0].frame.number, fake->asks[1].frame.number);
    return request;
}

static void
answer(struct fake *fake, struct cohort_request *request)
{
    for (size_t i = 0; i < fake->ask_count; i++) {
        assert_int_equal(request->status, 0);
        fake_outcome(fake, i, 0, 0, "");
    }
    assert_int_equal(request->status, 200);
    assert_non_null(strstr(request->type, "version=0.0.4"));
}

static void
test_a_name_has_one_head(void **state)
{
    struct fake *fake = *state;
    struct cohort_request *request = ask(fake);

    send_counter(fake, "a_total", COHORT_COUNTER, "x=\"1\"", 3);
    send_counter(fake, "b", COHORT_GAUGE, "", 18446744073709551615U);
    send_counter(fake, "a_total", COHORT_COUNTER, "x=\"2\"", 4);
    answer(fake, request);
    assert_non_null(strstr(
        request->answer,
        "# HELP a_total What it counts.\n"
        "# TYPE a_total counter\n"
        "a_total{x=\"1\"} 3\n"
        "a_total{x=\"2\"} 4\n"
        "# HELP b What it counts.\n"
        "# TYPE b gauge\n"
        "b 18446744073709551615\n"));
    fake_end(request);
}

static void
test_buckets_hold_all_below_them(void **state)
{
    struct fake *fake = *state;
    struct cohort_request *request = ask(fake);

    send_counter(fake, "t_seconds", COHORT_HISTOGRAM, "le=\"0.1\"", 5);
    send_counter(fake, "t_seconds", COHORT_HISTOGRAM, "le=\"1\"", 2);
    send_counter(fake, "t_seconds", COHORT_HISTOGRAM, "le=\"+Inf\"", 1);
    send_counter(fake, "t_seconds", COHORT_HISTOGRAM, "", 12000345);
    answer(fake, request);
    assert_non_null(strstr(
        request->answer,
        "# TYPE t_seconds histogram\n"
        "t_seconds_bucket{le=\"0.1\"} 5\n"
        "t_seconds_bucket{le=\"1\"} 7\n"
        "t_seconds_bucket{le=\"+Inf\"} 8\n"
        "t_seconds_sum 12.000345\n"
        "t_seconds_count 8\n"));
    fake_end(request);
}

static void
test_workers_tell_what_is_known(void **state)
{
    struct fake *fake = *state;
    struct cohort_request *request = ask(fake);
    struct coh_part_workers *part = calloc(1, sizeof(*part));

    part->head = (struct coh_frame_part){
        .number = fake->asks[0].frame.number,
        .kind = COH_PART_WORKERS,
        .count = 2,
    };
    part->workers[0] = (struct coh_part_worker){
        .id = 3,
        .connections = 4,
        .requests = 5,
        .lag_ms = 1007,
        .group = "main"};
    part->workers[1] = (struct coh_part_worker){
        .id = 4,
        .connections = COH_ADMIN_UNKNOWN,
        .requests = COH_ADMIN_UNKNOWN,
        .lag_ms = COH_ADMIN_UNKNOWN,
        .group = "app"};
    coh_admin_part(fake->admin, part, sizeof(*part), -1);
    free(part);
    answer(fake, request);
    assert_non_null(strstr(
        request->answer,
        "cohort_worker_connections{worker=\"3\",group=\"main\"} 4\n"));
    assert_non_null(strstr(
        request->answer,
        "cohort_worker_loop_lag_seconds{worker=\"3\",group=\"main\"} 1.007\n"));
    assert_null(strstr(request->answer, "worker=\"4\""));
    fake_end(request);
}

static void
test_one_that_fails_is_no_metrics_at_all(void **state)
{
    struct fake *fake = *state;
    struct cohort_request *request = ask(fake);

    fake_outcome(fake, 0, -11, 0, "not now");
    for (size_t i = 1; i < fake->ask_count; i++) {
        fake_outcome(fake, i, 0, 0, "");
    }
    assert_int_equal(request->status, 503);
    fake_end(request);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_a_name_has_one_head, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_buckets_hold_all_below_them, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_workers_tell_what_is_known, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_one_that_fails_is_no_metrics_at_all, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
