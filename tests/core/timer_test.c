/* The wheel: nothing early, nothing lost, whatever callbacks do. */
#include "tests/core/test.h"

#include <stdlib.h>
#include <string.h>

#include "core/timer.h"

#define START_MS 1000000

struct item {
    struct coh_deadline deadline; /* first: found from it by a cast */
    uint64_t fired_ms;
    unsigned fired_count;
};

static struct coh_wheel wheel;
static struct item items[1000];
static uint64_t now_ms;
static unsigned started;
static void (*and_then)(struct item *item);

static void
on_due(struct coh_deadline *deadline)
{
    struct item *item = (struct item *)(void *)deadline;

    assert_int_equal(deadline->filed_ms, 0);
    item->fired_ms = now_ms;
    item->fired_count++;
    if (and_then != NULL) {
        and_then(item);
    }
}

static void
on_first(struct coh_wheel *which, void *user)
{
    assert_ptr_equal(which, &wheel);
    assert_ptr_equal(user, &started);
    started++;
}

static int
setup(void **state)
{
    (void)state;
    memset(items, 0, sizeof(items));
    now_ms = START_MS + 33;
    started = 0;
    and_then = NULL;
    coh_wheel_init(&wheel, now_ms, on_due, on_first, &started);
    return 0;
}

static void
set(struct item *item, uint64_t after_ms)
{
    coh_deadline_set(&wheel, &item->deadline, now_ms + after_ms);
}

/* Step by step, as a loop does. */
static bool
pass(uint64_t ms)
{
    uint64_t end_ms = now_ms + ms;
    bool is_wanted = wheel.count > 0;

    while (now_ms < end_ms) {
        now_ms += 50;
        is_wanted = coh_wheel_tick(&wheel, now_ms);
    }
    return is_wanted;
}

static void
test_due_in_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < 1000; i++) {
        set(&items[i], i * 331); /* up to 331 s: more than two turns */
    }
    assert_int_equal(started, 1);
    assert_int_equal(wheel.count, 1000);
    assert_false(pass(340000));
    for (size_t i = 0; i < 1000; i++) {
        uint64_t due_ms = START_MS + 33 + i * 331;

        assert_int_equal(items[i].fired_count, 1);
        assert_true(items[i].fired_ms >= due_ms);
        assert_true(items[i].fired_ms <= due_ms + COH_WHEEL_SLOT_MS + 50);
    }
}

static void
test_put_off(void **state)
{
    (void)state;
    set(&items[0], 1000);
    for (int i = 0; i < 100; i++) {
        assert_true(pass(500));
        set(&items[0], 1000);
    }
    assert_int_equal(items[0].fired_count, 0);
    assert_int_equal(wheel.count, 1);
    assert_false(pass(1300));
    assert_int_equal(items[0].fired_count, 1);
    assert_int_equal(started, 1);
}

static void
test_earlier(void **state)
{
    (void)state;
    set(&items[0], 60000);
    set(&items[0], 1000);
    pass(1300);
    assert_int_equal(items[0].fired_count, 1);
    /* Within its slot: the store alone must do. */
    set(&items[1], 900);
    set(&items[1], 899);
    pass(1200);
    assert_int_equal(items[1].fired_count, 1);
}

static void
test_past_and_far(void **state)
{
    (void)state;
    coh_deadline_set(&wheel, &items[0].deadline, 1); /* long ago */
    coh_deadline_set(&wheel, &items[1].deadline, UINT64_MAX / 2);
    pass(500);
    assert_int_equal(items[0].fired_count, 1);
    assert_true(pass(300000));
    assert_int_equal(items[1].fired_count, 0);
    coh_deadline_clear(&wheel, &items[1].deadline);
    assert_int_equal(wheel.count, 0);
}

static void
test_stop_and_clear(void **state)
{
    (void)state;
    set(&items[0], 500);
    coh_deadline_stop(&items[0].deadline);
    assert_int_equal(wheel.count, 1);
    assert_false(pass(1000));
    assert_int_equal(items[0].fired_count, 0);
    set(&items[0], 500); /* as new */
    assert_int_equal(started, 2);
    coh_deadline_clear(&wheel, &items[0].deadline);
    coh_deadline_clear(&wheel, &items[0].deadline);
    assert_int_equal(wheel.count, 0);
    set(&items[0], 500);
    coh_deadline_stop(&items[0].deadline);
    set(&items[0], 700);
    pass(1000);
    assert_int_equal(items[0].fired_count, 1);
}

static void
test_after_a_rest(void **state)
{
    (void)state;
    now_ms += 3600000;
    set(&items[0], 700);
    set(&items[1], 200000);
    pass(1000);
    assert_int_equal(items[0].fired_count, 1);
    assert_int_equal(items[1].fired_count, 0);
    now_ms += 3600000; /* the machine slept */
    assert_false(coh_wheel_tick(&wheel, now_ms));
    assert_int_equal(items[1].fired_count, 1);
}

/* A callback that takes out all others of its slot, and files itself. */
static void
clear_others(struct item *item)
{
    for (size_t i = 0; i < 10; i++) {
        coh_deadline_clear(&wheel, &items[i].deadline);
    }
    set(item, 0);
    set(&items[10], 400);
    and_then = NULL;
}

static void
test_callbacks(void **state)
{
    unsigned fired = 0;

    (void)state;
    for (size_t i = 0; i < 10; i++) {
        set(&items[i], 500);
    }
    and_then = clear_others;
    assert_false(pass(2000));
    for (size_t i = 0; i < 10; i++) {
        fired += items[i].fired_count;
    }
    assert_int_equal(fired, 2); /* the first one, twice */
    assert_int_equal(items[10].fired_count, 1);
}

static void
test_at_random(void **state)
{
    uint64_t due_ms[1000] = {0};

    (void)state;
    srand(1);
    for (int step = 0; step < 20000; step++) {
        size_t i = (size_t)rand() % 1000;
        uint64_t after_ms = (uint64_t)rand() % 150000;

        if (items[i].deadline.at_ms == 0 || step % 3 == 0) {
            items[i].fired_ms = 0;
            due_ms[i] = now_ms + after_ms;
            set(&items[i], after_ms);
        } else if (step % 7 == 0) {
            coh_deadline_clear(&wheel, &items[i].deadline);
            due_ms[i] = 0;
            items[i].fired_ms = 0;
        }
        pass(50);
        assert_true(
            items[i].deadline.at_ms == 0 || items[i].deadline.filed_ms != 0);
    }
    pass(151000);
    for (size_t i = 0; i < 1000; i++) {
        if (due_ms[i] == 0) {
            assert_int_equal(items[i].fired_ms, 0);
            continue;
        }
        assert_true(items[i].fired_ms >= due_ms[i]);
        assert_true(items[i].fired_ms <= due_ms[i] + COH_WHEEL_SLOT_MS + 50);
    }
    assert_int_equal(wheel.count, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_due_in_time, setup),
        cmocka_unit_test_setup(test_put_off, setup),
        cmocka_unit_test_setup(test_earlier, setup),
        cmocka_unit_test_setup(test_past_and_far, setup),
        cmocka_unit_test_setup(test_stop_and_clear, setup),
        cmocka_unit_test_setup(test_after_a_rest, setup),
        cmocka_unit_test_setup(test_callbacks, setup),
        cmocka_unit_test_setup(test_at_random, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
