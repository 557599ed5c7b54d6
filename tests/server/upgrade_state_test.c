/* What primaries tell each other: it comes back as it went in, grows without
   harm, and is refused when it is of another version or cut off. */
#include "server/primary/upgrade/upgrade_records.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/core/test.h"

struct fixture {
    struct coh_state state;
    unsigned char *data; /* what was sealed */
    size_t size;
    struct coh_state_reader reader;
    char why[COH_STATE_WHY_MAX];
};

static int
setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    coh_state_init(&fixture->state);
    *state = fixture;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *fixture = *state;

    coh_state_fini(&fixture->state);
    free(fixture->data);
    free(fixture);
    return 0;
}

static void
seal(struct fixture *fixture)
{
    int fd = coh_state_seal(&fixture->state);

    assert_true(fd >= 0);
    fixture->data = coh_state_load(fd, &fixture->size);
    assert_non_null(fixture->data);
    close(fd);
}

static int
open_state(struct fixture *fixture)
{
    return coh_state_open(
        &fixture->reader, fixture->data, fixture->size, fixture->why);
}

static void
add_text(struct fixture *fixture, unsigned type, const char *text)
{
    struct iovec part = {
        .iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text)};

    coh_state_add(&fixture->state, (enum coh_state_type)type, &part, 1);
}

static struct coh_state_listener
example_listener(void)
{
    const char *why = "";
    struct coh_state_listener listener = {
        .options =
            {
                .backlog = 1,
                .rcvbuf = 2,
                .sndbuf = 3,
                .fastopen = 4,
                .deferred = true,
                .ipv6only = true,
                .keepalive = -1,
                .keepalive_idle_s = 5,
                .keepalive_interval_s = 6,
                .keepalive_count = 7,
                .mode = 0660,
            },
        .is_activated = true,
        .socket_count = 8,
        .live_count = 7,
        .file_device = 1ULL << 40,
        .file_number = 9,
    };

    assert_int_equal(
        coh_addr_parse(
            cohort_str("unix:/run/web.sock"), 80, &listener.address, &why),
        0);
    return listener;
}

/* --- records -------------------------------------------------------------- */

static void
test_records_come_in_their_order(void **state)
{
    struct fixture *fixture = *state;
    struct coh_state_record record;

    add_text(fixture, 1000, "odd");
    add_text(fixture, 2000, "");
    add_text(fixture, 3000, "of eight");
    seal(fixture);
    assert_int_equal(open_state(fixture), 0);
    assert_int_equal(coh_state_next(&fixture->reader, &record), 1);
    assert_int_equal(record.type, 1000);
    assert_int_equal(record.size, 3);
    assert_memory_equal(record.data, "odd", 3);
    assert_int_equal((uintptr_t)record.data % 8, 0);
    assert_int_equal(coh_state_next(&fixture->reader, &record), 1);
    assert_int_equal(record.type, 2000);
    assert_int_equal(record.size, 0);
    assert_int_equal(coh_state_next(&fixture->reader, &record), 1);
    assert_memory_equal(record.data, "of eight", 8);
    assert_int_equal(coh_state_next(&fixture->reader, &record), 0);
    assert_int_equal(coh_state_next(&fixture->reader, &record), 0);
}

static void
test_a_listener_comes_back(void **state)
{
    struct fixture *fixture = *state;
    const struct coh_state_listener sent = example_listener();
    struct coh_state_listener got;
    struct coh_state_record record;

    coh_state_add_listener(&fixture->state, &sent);
    seal(fixture);
    open_state(fixture);
    assert_int_equal(coh_state_next(&fixture->reader, &record), 1);
    assert_int_equal(record.type, COH_STATE_LISTENER);
    assert_int_equal(coh_state_read_listener(&record, &got), 0);
    assert_true(coh_addr_equal(&got.address, &sent.address));
    assert_int_equal(got.options.backlog, 1);
    assert_int_equal(got.options.fastopen, 4);
    assert_true(got.options.deferred && got.options.ipv6only);
    assert_int_equal(got.options.keepalive, -1);
    assert_int_equal(got.options.keepalive_count, 7);
    assert_int_equal(got.options.mode, 0660);
    assert_true(got.is_activated);
    assert_int_equal(got.socket_count, 8);
    assert_int_equal(got.live_count, 7);
    assert_int_equal(got.file_device, 1ULL << 40);
    assert_int_equal(got.file_number, 9);
}

static void
test_listeners_that_cannot_be_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct coh_state_listener listener = example_listener();
    struct coh_state_record record;

    listener.socket_count = 0;
    coh_state_add_listener(&fixture->state, &listener);
    listener.socket_count = COH_LISTENER_SOCKETS_MAX + 1;
    coh_state_add_listener(&fixture->state, &listener);
    listener.socket_count = 2;
    listener.live_count = 3;
    coh_state_add_listener(&fixture->state, &listener);
    seal(fixture);
    open_state(fixture);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(coh_state_next(&fixture->reader, &record), 1);
        assert_int_equal(coh_state_read_listener(&record, &listener), -EPROTO);
    }
    record.size--;
    assert_int_equal(coh_state_read_listener(&record, &listener), -EPROTO);
}

static void
test_a_counter_comes_back(void **state)
{
    struct fixture *fixture = *state;
    const struct coh_state_counter sent = {
        .counter =
            {
                .name = cohort_str("requests_total"),
                .help = cohort_str(""),
                .labels = cohort_str("status=\"2xx\""),
                .kind = COHORT_HISTOGRAM,
            },
        .value = UINT64_MAX,
    };
    struct coh_state_counter got;
    struct coh_state_record record;

    coh_state_add_counter(&fixture->state, &sent);
    seal(fixture);
    open_state(fixture);
    assert_int_equal(coh_state_next(&fixture->reader, &record), 1);
    assert_int_equal(coh_state_read_counter(&record, &got), 0);
    assert_int_equal(got.value, UINT64_MAX);
    assert_int_equal(got.counter.kind, COHORT_HISTOGRAM);
    assert_int_equal(got.counter.name.size, 14);
    assert_memory_equal(got.counter.name.data, "requests_total", 14);
    assert_int_equal(got.counter.help.size, 0);
    assert_memory_equal(got.counter.labels.data, "status=\"2xx\"", 12);
    record.size--;
    assert_int_equal(coh_state_read_counter(&record, &got), -EPROTO);
}

static void
test_a_longer_record_is_read_as_far_as_it_is_known(void **state)
{
    struct fixture *fixture = *state;
    const struct coh_state_listener sent = example_listener();
    struct coh_state_listener got;
    struct coh_state_record record;
    unsigned char longer[1024] = {0};

    coh_state_add_listener(&fixture->state, &sent);
    seal(fixture);
    open_state(fixture);
    assert_int_equal(coh_state_next(&fixture->reader, &record), 1);
    memcpy(longer, record.data, record.size);
    record.data = longer;
    record.size = sizeof(longer);
    assert_int_equal(coh_state_read_listener(&record, &got), 0);
    assert_int_equal(got.file_number, 9);
}

/* --- what is refused ------------------------------------------------------ */

static void
test_another_version_is_refused_by_its_number(void **state)
{
    struct fixture *fixture = *state;

    seal(fixture);
    fixture->data[12] = 77;
    assert_int_equal(open_state(fixture), -EPROTONOSUPPORT);
    assert_non_null(strstr(fixture->why, "version 77"));
    assert_non_null(strstr(fixture->why, "reads version 1"));
}

static void
test_what_is_no_state_is_refused(void **state)
{
    struct fixture *fixture = *state;

    seal(fixture);
    fixture->data[0] ^= 1;
    assert_int_equal(open_state(fixture), -EPROTO);
    assert_non_null(strstr(fixture->why, "not that of a cohort"));
}

static void
test_every_cut_is_seen(void **state)
{
    struct fixture *fixture = *state;
    struct coh_state_listener listener = example_listener();

    coh_state_add_listener(&fixture->state, &listener);
    seal(fixture);
    while (fixture->size > 0) {
        fixture->size--;
        assert_int_equal(open_state(fixture), -EPROTO);
    }
}

static void
test_records_beyond_the_end_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct coh_state_record record;

    add_text(fixture, 1, "12345678");
    seal(fixture);
    open_state(fixture);
    fixture->data[24 + 4] = 9; /* a byte more than there is */
    assert_int_equal(coh_state_next(&fixture->reader, &record), -EPROTO);
    memset(fixture->data + 24 + 4, 0xff, 4);
    assert_int_equal(coh_state_next(&fixture->reader, &record), -EPROTO);
}

static void
test_too_much_is_an_error(void **state)
{
    struct fixture *fixture = *state;
    char *much = calloc(1, COH_STATE_MAX / 2);
    struct iovec part = {.iov_base = much, .iov_len = COH_STATE_MAX / 2};

    coh_state_add(&fixture->state, COH_STATE_COUNTER, &part, 1);
    coh_state_add(&fixture->state, COH_STATE_COUNTER, &part, 1);
    add_text(fixture, 1, "late");
    assert_int_equal(coh_state_seal(&fixture->state), -EFBIG);
    free(much);
}

#define UNIT(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

static void
test_secrets_come_back(void **state)
{
    struct fixture *fixture = *state;
    const struct coh_state_secret sent = {
        .name = cohort_str("tickets"),
        .size = 80,
        .rotate_s = 43200,
        .left_s = 17,
    };
    struct coh_state_secret back;
    struct coh_state_record record;

    coh_state_add_secret(&fixture->state, &sent);
    seal(fixture);
    assert_int_equal(open_state(fixture), 0);
    assert_int_equal(coh_state_next(&fixture->reader, &record), 1);
    assert_int_equal(record.type, COH_STATE_SECRET);
    assert_int_equal(coh_state_read_secret(&record, &back), 0);
    assert_int_equal(back.name.size, 7);
    assert_memory_equal(back.name.data, "tickets", 7);
    assert_int_equal(back.size, 80);
    assert_int_equal(back.rotate_s, 43200);
    assert_int_equal(back.left_s, 17);
    record.size--; /* a part of the name is missing */
    assert_int_equal(coh_state_read_secret(&record, &back), -EPROTO);
}

static void
test_secrets_that_cannot_be_are_refused(void **state)
{
    static const struct coh_state_secret bad[] = {
        {.name = {"x", 1}, .size = 0, .rotate_s = 1},
        {.name = {"x", 1}, .size = COHORT_SECRET_SIZE_MAX + 1, .rotate_s = 1},
        {.name = {"x", 1}, .size = 1, .rotate_s = 0},
        {.name = {"", 0}, .size = 1, .rotate_s = 1},
    };
    struct fixture *fixture = *state;
    struct coh_state_record record;
    struct coh_state_secret back;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        coh_state_add_secret(&fixture->state, &bad[i]);
    }
    seal(fixture);
    assert_int_equal(open_state(fixture), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(coh_state_next(&fixture->reader, &record), 1);
        assert_int_equal(coh_state_read_secret(&record, &back), -EPROTO);
    }
}

static void
test_targets_come_back(void **state)
{
    struct fixture *fixture = *state;
    const struct coh_state_target sent = {
        .name = cohort_str("app"), .configured = 2, .target = 3};
    struct coh_state_target back;
    struct coh_state_record record;

    coh_state_add_target(&fixture->state, &sent);
    seal(fixture);
    assert_int_equal(open_state(fixture), 0);
    assert_int_equal(coh_state_next(&fixture->reader, &record), 1);
    assert_int_equal(record.type, COH_STATE_TARGET);
    assert_int_equal(coh_state_read_target(&record, &back), 0);
    assert_int_equal(back.name.size, 3);
    assert_memory_equal(back.name.data, "app", 3);
    assert_int_equal(back.configured, 2);
    assert_int_equal(back.target, 3);
    record.size--; /* a part of the name is missing */
    assert_int_equal(coh_state_read_target(&record, &back), -EPROTO);
}

static void
test_targets_that_cannot_be_are_refused(void **state)
{
    static const struct coh_state_target bad[] = {
        {.name = {"", 0}, .configured = 1, .target = 1},
        {.name = {"a name that is longer than any is", 33},
         .configured = 1,
         .target = 1},
        {.name = {"x", 1}, .configured = 1, .target = 0},
        {.name = {"x", 1}, .configured = 0, .target = 1},
    };
    struct fixture *fixture = *state;
    struct coh_state_record record;
    struct coh_state_target back;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        coh_state_add_target(&fixture->state, &bad[i]);
    }
    seal(fixture);
    assert_int_equal(open_state(fixture), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(coh_state_next(&fixture->reader, &record), 1);
        assert_int_equal(coh_state_read_target(&record, &back), -EPROTO);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(test_records_come_in_their_order),
        UNIT(test_a_listener_comes_back),
        UNIT(test_listeners_that_cannot_be_are_refused),
        UNIT(test_a_counter_comes_back),
        UNIT(test_a_longer_record_is_read_as_far_as_it_is_known),
        UNIT(test_another_version_is_refused_by_its_number),
        UNIT(test_what_is_no_state_is_refused),
        UNIT(test_every_cut_is_seen),
        UNIT(test_records_beyond_the_end_are_refused),
        UNIT(test_too_much_is_an_error),
        cmocka_unit_test_setup_teardown(
            test_secrets_come_back, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_secrets_that_cannot_be_are_refused, setup, teardown),
        UNIT(test_targets_come_back),
        UNIT(test_targets_that_cannot_be_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
