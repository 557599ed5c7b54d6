/* The beat of a worker, a timer in its own loop. */
#include "server/process/pulse.h"

#include <errno.h>

#include "core/event.h"

/* Of the watchdog's limit, at least. */
#define BEATS_PER_LIMIT 4

static void
schedule(struct coh_pulse_beat *beat, uint64_t now_ms)
{
    atomic_store(&beat->pulse->due_ms, now_ms + beat->period_ms);
    coh_event_add_ms(&beat->event, beat->period_ms);
}

/* The latest of the recent ones: who looks seldom sees a hitch, too. */
static void
note_lag(struct coh_pulse_beat *beat, uint64_t now_ms)
{
    uint64_t due_ms = atomic_load(&beat->pulse->due_ms);
    uint64_t worst_ms = 0;

    beat->lags_ms[beat->count++ % COH_PULSE_RECENT] =
        now_ms > due_ms ? now_ms - due_ms : 0;
    for (size_t i = 0; i < COH_PULSE_RECENT; i++) {
        if (beat->lags_ms[i] > worst_ms) {
            worst_ms = beat->lags_ms[i];
        }
    }
    atomic_store(&beat->pulse->lag_ms, worst_ms);
}

/* The time of its own, not that of the turn: what ran before it in this turn is
   lag, too. */
static void
on_beat(evutil_socket_t fd, short what, void *user)
{
    struct coh_pulse_beat *beat = user;
    uint64_t now_ms = coh_monotonic_ms();

    (void)fd;
    (void)what;
    coh_loop_update(beat->loop); /* this turn runs */
    if (atomic_load(&beat->pulse->beat_ms) > 0) {
        atomic_store(&beat->pulse->last_beat, now_ms);
    }
    note_lag(beat, now_ms);
    schedule(beat, now_ms);
}

int
coh_pulse_begin(
    struct coh_pulse_beat *beat, struct coh_pulse *pulse, struct coh_loop *loop,
    uint64_t watchdog_ms)
{
    uint64_t period_ms = COH_PULSE_PERIOD_MS;

    if (watchdog_ms > 0 && watchdog_ms / BEATS_PER_LIMIT < period_ms) {
        period_ms = watchdog_ms / BEATS_PER_LIMIT;
    }
    *beat = (struct coh_pulse_beat){
        .pulse = pulse, .loop = loop, .period_ms = period_ms};
    event_assign(&beat->event, loop->base, -1, 0, on_beat, beat);
    schedule(beat, coh_monotonic_ms());
    if (!event_pending(&beat->event, EV_TIMEOUT, NULL)) {
        atomic_store(&pulse->due_ms, 0); /* nobody waits for it */
        beat->pulse = NULL;
        return -ENOMEM;
    }
    if (watchdog_ms > 0) {
        loop->busy_since = &pulse->busy_since;
        atomic_store(&pulse->last_beat, coh_monotonic_ms());
        atomic_store(&pulse->beat_ms, period_ms);
    }
    return 0;
}

void
coh_pulse_end(struct coh_pulse_beat *beat)
{
    if (beat->pulse) {
        event_del(&beat->event);
        beat->loop->busy_since = &beat->loop->own_busy_since;
        beat->pulse = NULL;
    }
}

uint64_t
coh_pulse_lag(const struct coh_pulse *pulse, uint64_t now_ms)
{
    uint64_t lag_ms = atomic_load(&pulse->lag_ms);
    uint64_t due_ms = atomic_load(&pulse->due_ms);

    if (due_ms > 0 && now_ms > due_ms && now_ms - due_ms > lag_ms) {
        lag_ms = now_ms - due_ms;
    }
    return lag_ms;
}
