/* Who is stuck, since when, and what is done to whom. */
#include "server/primary/watchdog.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/event.h"
#include "server/process/crash.h"
#include "server/process/pulse.h"
#include "tests/core/test.h"

#define LIMIT_MS 1000

struct fixture {
    struct coh_loop loop;
    struct coh_watchdog watchdog;
    struct coh_pulse pulse;
    struct coh_watched worker;
    char done[256]; /* what was done, in short */
};

static struct fixture fixture;

static void
note(const char *what)
{
    strncat(
        fixture.done, what, sizeof(fixture.done) - strlen(fixture.done) - 1);
}

static void
isolate(struct coh_watched *worker)
{
    (void)worker;
    note("isolate ");
}

static void
tell(struct coh_watched *worker, const char *why)
{
    (void)worker;
    note("tell ");
    assert_non_null(strstr(why, "doing GET /??"));
}

static void
tell_nothing(struct coh_watched *worker, const char *why)
{
    (void)worker;
    note("tell ");
    assert_null(strstr(why, "doing"));
}

static void
replace(struct coh_watched *worker)
{
    (void)worker;
    note("replace ");
}

static void
recovered(struct coh_watched *worker)
{
    (void)worker;
    note("recovered ");
}

static void
send_signal(struct coh_watched *worker, int number)
{
    char text[32];

    (void)worker;
    snprintf(
        text, sizeof(text), "%s ",
        number == COH_SIGNAL_TELL ? "ask" : sigabbrev_np(number));
    note(text);
}

static const struct coh_watched_actions actions = {
    .isolate = isolate,
    .tell = tell,
    .replace = replace,
    .recovered = recovered,
    .signal = send_signal,
};

static int
setup(void **state)
{
    (void)state;
    memset(&fixture, 0, sizeof(fixture));
    if (coh_loop_init(&fixture.loop, NULL) < 0) {
        return -1;
    }
    coh_watchdog_init(&fixture.watchdog, &fixture.loop);
    snprintf(fixture.pulse.doing, sizeof(fixture.pulse.doing), "GET /\n\x80");
    fixture.worker = (struct coh_watched){
        .actions = &actions,
        .limit_ms = LIMIT_MS,
        .pulse = &fixture.pulse,
        .answers = true,
        .pid = getpid(),
    };
    coh_watchdog_add(&fixture.watchdog, &fixture.worker);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    coh_watchdog_remove(&fixture.worker);
    coh_watchdog_fini(&fixture.watchdog);
    coh_loop_fini(&fixture.loop);
    return 0;
}

/* One look, on time unless delay_ms says how late; what it did. */
static const char *
look(uint64_t delay_ms)
{
    fixture.done[0] = '\0';
    fixture.watchdog.due_ms = coh_monotonic_ms() - delay_ms;
    event_active(&fixture.watchdog.look, EV_TIMEOUT, 1);
    event_base_loop(fixture.loop.base, EVLOOP_NONBLOCK);
    return fixture.done;
}

static void
busy_for(uint64_t ms)
{
    atomic_store(&fixture.pulse.busy_since, coh_monotonic_ms() - ms);
}

static void
test_the_timetable(void **state)
{
    (void)state;
    assert_int_equal(coh_watchdog_due(0, 100), COH_WATCHED_WELL);
    assert_int_equal(coh_watchdog_due(99, 100), COH_WATCHED_WELL);
    assert_int_equal(coh_watchdog_due(100, 100), COH_WATCHED_STUCK);
    assert_int_equal(coh_watchdog_due(149, 100), COH_WATCHED_STUCK);
    assert_int_equal(coh_watchdog_due(150, 100), COH_WATCHED_TERMINATED);
    assert_int_equal(coh_watchdog_due(200, 100), COH_WATCHED_ABORTED);
    assert_int_equal(coh_watchdog_due(250, 100), COH_WATCHED_KILLED);
    assert_int_equal(coh_watchdog_due(100000, 100), COH_WATCHED_KILLED);
}

static void
test_silence(void **state)
{
    struct coh_pulse pulse = {.busy_since = 0};

    (void)state;
    assert_int_equal(coh_watchdog_silent_since(&pulse, 5000), 0);
    pulse.last_beat = 4000;
    pulse.beat_ms = 600;
    assert_int_equal(coh_watchdog_silent_since(&pulse, 5199), 0);
    assert_int_equal(coh_watchdog_silent_since(&pulse, 5200), 4600);
    pulse.busy_since = 4999;
    assert_int_equal(coh_watchdog_silent_since(&pulse, 5200), 4999);
}

static void
test_step_by_step(void **state)
{
    (void)state;
    busy_for(LIMIT_MS - 200);
    assert_string_equal(look(0), "");
    busy_for(LIMIT_MS);
    assert_string_equal(look(0), "isolate ask ");
    assert_string_equal(look(0), "tell replace ");
    assert_true(coh_watched_is_stuck(&fixture.worker));
    assert_string_equal(look(0), "replace ");
    busy_for(LIMIT_MS * 3 / 2);
    assert_string_equal(look(0), "TERM replace ");
    busy_for(LIMIT_MS * 2);
    assert_string_equal(look(0), "ABRT replace ");
    busy_for(LIMIT_MS * 5 / 2);
    assert_string_equal(look(0), "KILL replace ");
    assert_string_equal(look(0), "replace ");
}

static void
test_it_may_recover(void **state)
{
    (void)state;
    busy_for(LIMIT_MS);
    look(0);
    atomic_store(&fixture.pulse.busy_since, 0);
    assert_string_equal(look(0), "recovered ");
    assert_false(coh_watched_is_stuck(&fixture.worker));
    assert_string_equal(look(0), "");
    busy_for(LIMIT_MS);
    assert_string_equal(look(0), "isolate ask ");
}

static uint64_t
ignored_since(const struct coh_watched *worker, uint64_t now_ms)
{
    (void)worker;
    return now_ms - LIMIT_MS;
}

/* A program has no pulse, and nobody to ask: what it leaves lying tells. */
static void
test_one_without_a_pulse(void **state)
{
    static const struct coh_watched_actions ignoring = {
        .ignored_since = ignored_since,
        .isolate = isolate,
        .tell = tell_nothing,
        .replace = replace,
        .recovered = recovered,
        .signal = send_signal,
    };

    (void)state;
    fixture.worker.pulse = NULL;
    fixture.worker.answers = false;
    assert_string_equal(look(0), "");
    fixture.worker.actions = &ignoring;
    assert_string_equal(look(0), "isolate tell replace ");
    fixture.worker.actions = &actions;
    assert_string_equal(look(0), "recovered ");
}

/* Others would die of the question. */
static void
test_one_with_a_pulse_that_does_not_answer_is_not_asked(void **state)
{
    (void)state;
    fixture.worker.answers = false;
    busy_for(LIMIT_MS);
    assert_string_equal(look(0), "isolate tell replace ");
}

static void
test_who_looks_late_judges_nobody(void **state)
{
    (void)state;
    busy_for(100 * LIMIT_MS);
    assert_string_equal(look(LIMIT_MS), "");
    assert_string_equal(look(0), "");
    fixture.watchdog.fresh_ms -= LIMIT_MS;
    assert_string_equal(look(0), "isolate ask ");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_the_timetable),
        TEST(test_silence),
        TEST(test_step_by_step),
        TEST(test_it_may_recover),
        TEST(test_one_without_a_pulse),
        TEST(test_who_looks_late_judges_nobody),
        TEST(test_one_with_a_pulse_that_does_not_answer_is_not_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
