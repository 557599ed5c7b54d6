/* The last events: numbered, kept, forgotten in their order. */
#include "server/primary/history.h"

#include <stdlib.h>
#include <string.h>

#include "tests/core/test.h"

static int
setup(void **state)
{
    *state = calloc(1, sizeof(struct coh_history));
    return *state ? 0 : -1;
}

static int
teardown(void **state)
{
    coh_history_fini(*state);
    free(*state);
    return 0;
}

static void
test_events_are_numbered_from_one(void **state)
{
    struct coh_history *history = *state;
    const struct coh_event event = {
        .kind = COH_EVENT_ONLINE, .generation = 2, .worker_id = 3, .pid = 4};

    assert_null(coh_history_get(history, 0));
    assert_null(coh_history_get(history, 1));
    for (uint64_t number = 1; number <= 3; number++) {
        const struct coh_recorded *made =
            coh_history_add(history, history->last + 1, &event);

        assert_ptr_equal(coh_history_get(history, number), made);
        assert_int_equal(made->frame.number, number);
        assert_int_equal(made->size, sizeof(made->frame));
        assert_string_equal(made->frame.name, "online");
        assert_int_equal(made->frame.generation, 2);
        assert_int_equal(made->frame.worker_id, 3);
        assert_int_equal(made->frame.pid, 4);
        assert_int_equal(made->frame.is_exit, 0);
    }
    assert_int_equal(history->last, 3);
    assert_null(coh_history_get(history, 4));
}

static void
test_only_the_last_ones_are_kept(void **state)
{
    struct coh_history *history = *state;
    const struct coh_event event = {.kind = COH_EVENT_FORK};

    for (int i = 0; i < COH_HISTORY_COUNT + 5; i++) {
        assert_non_null(coh_history_add(history, history->last + 1, &event));
    }
    assert_null(coh_history_get(history, 5));
    assert_int_equal(coh_history_get(history, 6)->frame.number, 6);
    assert_int_equal(
        coh_history_get(history, history->last)->frame.number,
        COH_HISTORY_COUNT + 5);
}

static void
test_a_text_lies_behind_its_event_and_is_cut(void **state)
{
    struct coh_history *history = *state;
    char text[COH_HISTORY_TEXT_MAX + 10];
    struct coh_event event = {.kind = COH_EVENT_RELOAD_FAILED, .text = "why"};
    const struct coh_recorded *made =
        coh_history_add(history, history->last + 1, &event);

    assert_int_equal(made->size, sizeof(made->frame) + 3);
    assert_memory_equal(&made->frame + 1, "why", 3);
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    event.text = text;
    made = coh_history_add(history, history->last + 1, &event);
    assert_int_equal(made->size, sizeof(made->frame) + COH_HISTORY_TEXT_MAX);
}

static const struct coh_recorded *
add_message(struct coh_history *history, const char *text, size_t size)
{
    const struct coh_event event = {
        .kind = COH_EVENT_MESSAGE,
        .group = COH_GROUP_MAIN,
        .message = {text, size},
    };

    return coh_history_add(history, history->last + 1, &event);
}

static void
test_a_long_message_is_told_by_its_size(void **state)
{
    static char text[COH_ADMIN_MESSAGE_TOLD + 1];
    const struct coh_recorded *made = add_message(*state, "[1]", 3);

    assert_int_equal(made->frame.text_kind, COH_EVENT_TEXT_JSON);
    assert_int_equal(made->frame.message_size, 3);
    assert_int_equal(made->size, sizeof(made->frame) + 3);
    assert_memory_equal(&made->frame + 1, "[1]", 3);
    assert_string_equal(made->frame.group, "main");
    made = add_message(*state, text, COH_ADMIN_MESSAGE_TOLD);
    assert_int_equal(made->size, sizeof(made->frame) + COH_ADMIN_MESSAGE_TOLD);
    made = add_message(*state, text, sizeof(text));
    assert_int_equal(made->frame.message_size, sizeof(text));
    assert_int_equal(made->size, sizeof(made->frame));
}

static void
test_messages_take_bounded_memory(void **state)
{
    static char text[COH_ADMIN_MESSAGE_TOLD];
    struct coh_history *history = *state;

    for (int i = 0; i < 3 * COH_HISTORY_COUNT; i++) {
        assert_non_null(add_message(history, text, sizeof(text)));
        assert_true(history->bytes <= COH_HISTORY_BYTES);
    }
    assert_non_null(coh_history_get(history, history->last));
    assert_non_null(coh_history_get(history, history->first));
    assert_null(coh_history_get(history, history->first - 1));
    assert_true(history->last - history->first > 100);
}

static const struct coh_frame_event *
add_exit(
    struct coh_history *history, struct coh_exit how, enum cohort_reason reason)
{
    const struct coh_event event = {
        .kind = COH_EVENT_EXIT, .how = how, .reason = reason};

    return &coh_history_add(history, history->last + 1, &event)->frame;
}

static void
test_an_exit_says_how_and_why(void **state)
{
    const struct coh_frame_event *frame =
        add_exit(*state, (struct coh_exit){true, 9}, COHORT_REASON_CRASH);

    assert_int_equal(frame->is_exit, 1);
    assert_int_equal(frame->code, -1);
    assert_int_equal(frame->signal, 9);
    assert_string_equal(frame->reason, "crash");
    assert_int_equal(frame->is_wanted, 0);
    frame = add_exit(*state, (struct coh_exit){false, 7}, COHORT_REASON_SELF);
    assert_int_equal(frame->code, 7);
    assert_int_equal(frame->signal, 0);
    assert_int_equal(frame->is_wanted, 0);
    frame = add_exit(*state, (struct coh_exit){false, 0}, COHORT_REASON_RELOAD);
    assert_string_equal(frame->reason, "reload");
    assert_int_equal(frame->is_wanted, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_events_are_numbered_from_one, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_only_the_last_ones_are_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_a_text_lies_behind_its_event_and_is_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_a_long_message_is_told_by_its_size, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_messages_take_bounded_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_an_exit_says_how_and_why, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
