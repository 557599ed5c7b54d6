/* One look at all workers, again and again; what it finds and what is done. */
#include "server/primary/watchdog.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "core/event.h"
#include "server/accept/rotation.h"
#include "server/primary/vitals.h"
#include "server/process/crash.h"
#include "server/process/pulse.h"

/* Looks per shortest limit, within bounds. */
#define LOOKS_PER_LIMIT 8
#define LOOK_MIN_MS 25
#define LOOK_MAX_MS 1000

/* A look that is later than a period and this long is too late to judge by. */
#define LATE_MS 200

/* So long a stuck worker has to say what it is doing: its handler needs a
   moment of a core. */
#define TELL_MS 100

/* --- judging ---------------------------------------------------------------- */

uint64_t
coh_watchdog_silent_since(const struct coh_pulse *pulse, uint64_t now_ms)
{
    uint64_t busy_since = atomic_load(&pulse->busy_since);
    uint64_t last_beat = atomic_load(&pulse->last_beat);
    uint64_t beat_ms = atomic_load(&pulse->beat_ms);

    if (busy_since > 0) {
        return busy_since;
    }
    if (last_beat > 0 && last_beat + 2 * beat_ms <= now_ms) {
        return last_beat + beat_ms;
    }
    return 0;
}

enum coh_watched_step
coh_watchdog_due(uint64_t stuck_ms, uint64_t limit_ms)
{
    static const enum coh_watched_step by_half_limits[] = {
        COH_WATCHED_WELL,       COH_WATCHED_WELL,    COH_WATCHED_STUCK,
        COH_WATCHED_TERMINATED, COH_WATCHED_ABORTED, COH_WATCHED_KILLED,
    };
    uint64_t halves = 2 * stuck_ms / limit_ms;

    return by_half_limits[halves < 5 ? halves : 5];
}

/* Stopped or traced at two looks in a row: who is so for a moment only, as a
   debugger's snapshot is taken, is left alone. */
static bool
is_halted(struct coh_watched *worker, uint64_t now_ms)
{
    struct coh_vitals vitals = {.state = '?'};

    coh_vitals_read(worker->pid, &vitals);
    worker->state = vitals.state;
    if (vitals.state != 'T' && vitals.state != 't') {
        worker->halted_ms = 0;
        return false;
    }
    if (worker->halted_ms == 0) {
        worker->halted_ms = now_ms;
        return worker->step != COH_WATCHED_WELL;
    }
    return true;
}

static uint64_t
earlier(uint64_t one, uint64_t other)
{
    return one == 0 || (other != 0 && other < one) ? other : one;
}

/* Since when it does not run, or not come back; 0: it does. Nothing counts from
   before the last look that was late. */
static uint64_t
stuck_since(struct coh_watched *worker, uint64_t now_ms)
{
    uint64_t since = 0;

    if (worker->pulse) {
        since = coh_watchdog_silent_since(worker->pulse, now_ms);
    }
    if (worker->actions->ignored_since) {
        since = earlier(since, worker->actions->ignored_since(worker, now_ms));
    }
    if (worker->peer) {
        since = earlier(since, coh_handoff_ignored_since(worker->peer, now_ms));
    }
    if (since != 0 && since < worker->watchdog->fresh_ms) {
        since = worker->watchdog->fresh_ms;
    }
    return since;
}

static enum coh_watched_step
judge(struct coh_watched *worker, uint64_t now_ms)
{
    enum coh_watched_step due = COH_WATCHED_STUCK;

    if (!is_halted(worker, now_ms)) {
        uint64_t since = stuck_since(worker, now_ms);

        return since == 0 || since > now_ms
            ? COH_WATCHED_WELL
            : coh_watchdog_due(now_ms - since, worker->limit_ms);
    }
    if (worker->state == 'T') {
        due = coh_watchdog_due(now_ms - worker->halted_ms, worker->limit_ms);
    }
    return due < COH_WATCHED_STUCK ? COH_WATCHED_STUCK : due;
}

/* --- acting ------------------------------------------------------------------- */

/* What the worker wrote may be anything, also while we read it. */
static void
quote(const struct coh_pulse *pulse, char *out, size_t size)
{
    size_t used = 0;

    while (used < size - 1 && used < COH_PULSE_DOING_MAX &&
           pulse->doing[used] != '\0') {
        char byte = pulse->doing[used];

        out[used++] = byte >= 0x20 && byte <= 0x7e ? byte : '?';
    }
    out[used] = '\0';
}

static void
tell(struct coh_watched *worker)
{
    char doing[COH_PULSE_DOING_MAX] = "";
    char why[COH_PULSE_DOING_MAX + 128];

    if (worker->pulse) {
        quote(worker->pulse, doing, sizeof(doing));
    }
    if (worker->state == 'T') {
        snprintf(why, sizeof(why), "it is stopped (by SIGSTOP or a terminal)");
    } else if (worker->state == 't') {
        snprintf(why, sizeof(why), "a debugger has stopped it, so it is left");
    } else {
        snprintf(
            why, sizeof(why),
            "it has not come back to its event loop for %" PRIu64 " ms%s%s",
            worker->limit_ms, doing[0] ? ", doing " : "", doing);
    }
    worker->actions->tell(worker, why);
}

/* Ours alone have a handler, and only those that run come to it. */
static bool
can_speak(const struct coh_watched *worker)
{
    return worker->pulse && worker->halted_ms == 0;
}

/* Signals that the timetable leaves behind are sent, too: a step may be due
   without the one before it. */
static void
go_to(struct coh_watched *worker, enum coh_watched_step due)
{
    static const int numbers[] = {
        [COH_WATCHED_TERMINATED] = SIGTERM,
        [COH_WATCHED_ABORTED] = SIGABRT,
        [COH_WATCHED_KILLED] = SIGKILL,
    };

    while (worker->step < due) {
        worker->step++;
        if (worker->step >= COH_WATCHED_TERMINATED) {
            worker->actions->signal(worker, numbers[worker->step]);
        } else if (worker->step == COH_WATCHED_TOLD) {
            tell(worker);
        } else {
            worker->actions->isolate(worker);
            if (can_speak(worker)) {
                worker->actions->signal(worker, COH_SIGNAL_TELL);
            }
        }
    }
}

static void
look_at(struct coh_watched *worker, uint64_t now_ms)
{
    enum coh_watched_step due = judge(worker, now_ms);

    if (due == COH_WATCHED_WELL) {
        if (worker->step != COH_WATCHED_WELL) {
            worker->step = COH_WATCHED_WELL;
            worker->actions->recovered(worker);
        }
        return;
    }
    if (due == COH_WATCHED_STUCK &&
        (worker->step == COH_WATCHED_STUCK || !can_speak(worker))) {
        due = COH_WATCHED_TOLD;
    }
    go_to(worker, due);
    if (worker->step >= COH_WATCHED_TOLD) {
        worker->actions->replace(worker);
    }
}

/* --- when ---------------------------------------------------------------------- */

static uint64_t
period_ms(const struct coh_watchdog *watchdog)
{
    const struct coh_watched *worker;
    uint64_t period = LOOK_MAX_MS;

    LIST_FOREACH (worker, &watchdog->workers, link) {
        uint64_t wanted = worker->limit_ms / LOOKS_PER_LIMIT;

        if (worker->step == COH_WATCHED_STUCK) {
            wanted = wanted < TELL_MS ? wanted : TELL_MS;
        }
        period = wanted < period ? wanted : period;
    }
    return period < LOOK_MIN_MS ? LOOK_MIN_MS : period;
}

static void
look_later(struct coh_watchdog *watchdog, uint64_t now_ms)
{
    uint64_t period = period_ms(watchdog);
    const struct timeval delay = {
        .tv_sec = (time_t)(period / 1000),
        .tv_usec = (suseconds_t)(period % 1000 * 1000)};

    watchdog->last_ms = now_ms;
    watchdog->due_ms = now_ms + period;
    event_add(&watchdog->look, &delay);
}

/* Who was not there on time, because the machine stood still or had no core to
   give, does not know what others did meanwhile. */
static bool
is_late(const struct coh_watchdog *watchdog, uint64_t now_ms)
{
    uint64_t period = watchdog->due_ms - watchdog->last_ms;

    return now_ms > watchdog->due_ms + period + LATE_MS;
}

static void
on_look(evutil_socket_t fd, short what, void *user)
{
    struct coh_watchdog *watchdog = user;
    uint64_t now_ms = coh_monotonic_ms();
    struct coh_watched *worker = LIST_FIRST(&watchdog->workers);

    (void)fd;
    (void)what;
    if (is_late(watchdog, now_ms)) {
        watchdog->fresh_ms = now_ms;
    }
    while (worker) {
        struct coh_watched *after = LIST_NEXT(worker, link);

        look_at(worker, now_ms);
        worker = after;
    }
    if (!LIST_EMPTY(&watchdog->workers)) {
        look_later(watchdog, now_ms);
    }
}

/* --- who ------------------------------------------------------------------------ */

void
coh_watchdog_init(struct coh_watchdog *watchdog, struct coh_loop *loop)
{
    *watchdog = (struct coh_watchdog){.loop = loop};
    LIST_INIT(&watchdog->workers);
    event_assign(&watchdog->look, loop->base, -1, 0, on_look, watchdog);
}

void
coh_watchdog_fini(struct coh_watchdog *watchdog)
{
    event_del(&watchdog->look);
}

void
coh_watchdog_add(struct coh_watchdog *watchdog, struct coh_watched *worker)
{
    if (worker->watchdog || worker->limit_ms == 0) {
        return;
    }
    worker->watchdog = watchdog;
    LIST_INSERT_HEAD(&watchdog->workers, worker, link);
    if (!event_pending(&watchdog->look, EV_TIMEOUT, NULL) ||
        watchdog->due_ms - watchdog->last_ms > period_ms(watchdog)) {
        look_later(watchdog, coh_monotonic_ms());
    }
}

void
coh_watchdog_remove(struct coh_watched *worker)
{
    if (worker->watchdog) {
        LIST_REMOVE(worker, link);
        worker->watchdog = NULL;
    }
}
