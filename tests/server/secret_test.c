/* Secrets: what is read at which age, who may write, what a rotation leaves. */
#include "server/process/secret.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/event.h"
#include "tests/core/test.h"

#define SIZE 48

struct values {
    unsigned char current[SIZE];
    unsigned char previous[SIZE];
    unsigned char next[SIZE];
};

static struct values
read_all(const struct coh_secret_area *area)
{
    struct values values;

    coh_secret_read(area, COHORT_SECRET_CURRENT, values.current, SIZE);
    coh_secret_read(area, COHORT_SECRET_PREVIOUS, values.previous, SIZE);
    coh_secret_read(area, COHORT_SECRET_NEXT, values.next, SIZE);
    return values;
}

static bool
is_zero(const unsigned char *value)
{
    static const unsigned char zeros[SIZE];

    return memcmp(value, zeros, SIZE) == 0;
}

static void
test_each_age_is_random_from_the_start(void **state)
{
    struct coh_secret secret;
    struct values values;

    (void)state;
    assert_int_equal(coh_secret_init(&secret, NULL, 60), 0);
    values = read_all(secret.area);
    assert_false(is_zero(values.current));
    assert_false(is_zero(values.previous));
    assert_false(is_zero(values.next));
    assert_memory_not_equal(values.current, values.previous, SIZE);
    assert_memory_not_equal(values.current, values.next, SIZE);
    coh_secret_fini(&secret);
    coh_secret_fini(&secret);
}

static void
test_a_rotation_moves_each_on(void **state)
{
    struct coh_secret secret;
    struct values before;

    (void)state;
    assert_int_equal(coh_secret_init(&secret, NULL, 60), 0);
    before = read_all(secret.area);
    for (int i = 0; i < 9; i++) {
        struct values after;

        coh_secret_rotate(secret.area);
        after = read_all(secret.area);
        assert_memory_equal(after.previous, before.current, SIZE);
        assert_memory_equal(after.current, before.next, SIZE);
        assert_memory_not_equal(after.next, before.next, SIZE);
        before = after;
    }
    coh_secret_fini(&secret);
}

/* Whether bytes stand anywhere in the area. */
static bool
holds(const struct coh_secret_area *area, const unsigned char *bytes)
{
    return memmem(area->values, sizeof(area->values), bytes, SIZE) != NULL;
}

static void
test_what_was_previous_is_wiped(void **state)
{
    struct coh_secret secret;
    const struct coh_secret_area *mapped;
    struct values before;

    (void)state;
    assert_int_equal(coh_secret_init(&secret, NULL, 60), 0);
    mapped = coh_secret_map(secret.fd);
    assert_non_null(mapped);
    before = read_all(mapped);
    assert_true(holds(mapped, before.previous));
    coh_secret_rotate(secret.area);
    assert_false(holds(mapped, before.previous));
    assert_true(holds(mapped, before.current));
    coh_secret_fini(&secret); /* for those who still map it, too */
    assert_false(holds(mapped, before.current));
    assert_false(holds(mapped, before.next));
    coh_secret_unmap(mapped);
}

static void
test_nobody_else_writes(void **state)
{
    struct coh_secret secret;

    (void)state;
    assert_int_equal(coh_secret_init(&secret, NULL, 60), 0);
    assert_ptr_equal(
        mmap(
            NULL, sizeof(*secret.area), PROT_READ | PROT_WRITE, MAP_SHARED,
            secret.fd, 0),
        MAP_FAILED);
    assert_int_equal(errno, EPERM);
    assert_int_equal(write(secret.fd, "x", 1), -1);
    assert_int_equal(ftruncate(secret.fd, 0), -1);
    coh_secret_fini(&secret);
}

/* --- all at once ---------------------------------------------------------- */

struct race {
    const struct coh_secret_area *area;
    _Atomic bool is_over;
    _Atomic unsigned zero_count;
    _Atomic unsigned read_count;
};

static void *
read_on(void *user)
{
    struct race *race = user;
    unsigned char value[SIZE];

    while (!race->is_over) {
        coh_secret_read(race->area, COHORT_SECRET_PREVIOUS, value, SIZE);
        /* A part that was wiped would show as a row of zeros. */
        race->zero_count += memmem(value, SIZE, "\0\0\0\0\0\0\0\0", 8) != NULL;
        race->read_count++;
    }
    return NULL;
}

static void
test_no_reader_sees_what_is_being_wiped(void **state)
{
    struct coh_secret secret;
    struct race race = {.is_over = false};
    pthread_t reader;

    (void)state;
    assert_int_equal(coh_secret_init(&secret, NULL, 60), 0);
    race.area = coh_secret_map(secret.fd);
    assert_int_equal(pthread_create(&reader, NULL, read_on, &race), 0);
    while (race.read_count < 20000) {
        coh_secret_rotate(secret.area);
    }
    race.is_over = true;
    pthread_join(reader, NULL);
    assert_int_equal(race.zero_count, 0);
    coh_secret_unmap(race.area);
    coh_secret_fini(&secret);
}

static void
test_the_loop_rotates_in_time(void **state)
{
    struct coh_secret secret;
    struct coh_loop loop;
    struct values before;
    struct values after;

    (void)state;
    assert_int_equal(coh_loop_init(&loop, NULL), 0);
    assert_int_equal(coh_secret_init(&secret, &loop, 3600), 0);
    before = read_all(secret.area);
    coh_secret_set_rotation(&secret, 1);
    event_base_loop(loop.base, EVLOOP_ONCE);
    after = read_all(secret.area);
    assert_memory_equal(after.previous, before.current, SIZE);
    coh_secret_fini(&secret);
    coh_loop_fini(&loop);
}

static void
test_another_process_goes_on_with_it(void **state)
{
    struct coh_secret first;
    struct coh_secret second;
    struct coh_loop loop;
    struct values before;
    struct values after;

    (void)state;
    assert_int_equal(coh_loop_init(&loop, NULL), 0);
    assert_int_equal(coh_secret_init(&first, &loop, 3600), 0);
    coh_secret_rotate(first.area);
    assert_in_range(coh_secret_left(&first), 3590, 3600);
    assert_int_equal(coh_secret_adopt(&second, &loop, 3600, 100, first.fd), 0);
    before = read_all(first.area);
    after = read_all(second.area);
    assert_memory_equal(&after, &before, sizeof(after));
    assert_in_range(coh_secret_left(&second), 90, 100);
    coh_secret_rotate(second.area); /* before the first one does */
    after = read_all(second.area);
    assert_memory_equal(after.current, before.next, SIZE);
    assert_memory_equal(after.previous, before.current, SIZE);
    coh_secret_fini(&first);
    assert_false(is_zero(read_all(second.area).current));
    coh_secret_fini(&second);
    coh_loop_fini(&loop);
}

static void
test_paused_it_leaves_no_event(void **state)
{
    struct coh_secret secret;
    struct coh_loop loop;

    (void)state;
    assert_int_equal(coh_loop_init(&loop, NULL), 0);
    assert_int_equal(coh_secret_init(&secret, &loop, 3600), 0);
    coh_secret_set_rotation(&secret, 100);
    coh_secret_pause(&secret);
    coh_secret_pause(&secret);
    /* Nothing is waited for: the loop of a program ends. */
    assert_int_equal(event_base_loop(loop.base, 0), 1);
    coh_secret_resume(&secret);
    coh_secret_resume(&secret);
    assert_in_range(coh_secret_left(&secret), 90, 100);
    assert_int_equal(event_base_loop(loop.base, EVLOOP_NONBLOCK), 0);
    coh_secret_fini(&secret);
    coh_loop_fini(&loop);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_age_is_random_from_the_start),
        cmocka_unit_test(test_a_rotation_moves_each_on),
        cmocka_unit_test(test_what_was_previous_is_wiped),
        cmocka_unit_test(test_nobody_else_writes),
        cmocka_unit_test(test_no_reader_sees_what_is_being_wiped),
        cmocka_unit_test(test_the_loop_rotates_in_time),
        cmocka_unit_test(test_another_process_goes_on_with_it),
        cmocka_unit_test(test_paused_it_leaves_no_event),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
