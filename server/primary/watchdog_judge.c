/* Who is stuck: by a worker's pulse, by what it leaves lying, and by what the
   kernel tells of its process. */
#include "server/accept/rotation.h"
#include "server/primary/vitals.h"
#include "server/primary/watchdog.h"
#include "server/process/pulse.h"

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

enum coh_watched_step
coh_watchdog_judge(struct coh_watched *worker, uint64_t now_ms)
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
