/* One look at all workers, again and again, and what is done to those that are
   stuck. */
#include "server/primary/watchdog.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "core/event.h"
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

/* --- acting --------------------------------------------------------------- */

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

/* Only those that run come to their handler. */
static bool
can_speak(const struct coh_watched *worker)
{
    return worker->answers && worker->halted_ms == 0;
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
    enum coh_watched_step due = coh_watchdog_judge(worker, now_ms);

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

/* --- when ----------------------------------------------------------------- */

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

    watchdog->last_ms = now_ms;
    watchdog->due_ms = now_ms + period;
    coh_event_add_ms(&watchdog->look, period);
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

/* --- who ------------------------------------------------------------------ */

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
    struct coh_watchdog *watchdog = worker->watchdog;

    if (!watchdog) {
        return;
    }
    LIST_REMOVE(worker, link);
    worker->watchdog = NULL;
    if (LIST_EMPTY(&watchdog->workers)) {
        event_del(&watchdog->look); /* a program's loop may end by that */
    }
}
