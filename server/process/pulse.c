/* The beat of a worker, a timer in its own loop. */
#include "server/process/pulse.h"

#include <errno.h>

#include "core/event.h"

/* Of the watchdog's limit: an idle worker wakes up as seldom as that. */
#define BEATS_PER_LIMIT 4

static void
on_beat(evutil_socket_t fd, short what, void *user)
{
    struct coh_pulse_beat *beat = user;

    (void)fd;
    (void)what;
    coh_loop_update(beat->loop);
    atomic_store(&beat->pulse->last_beat, coh_loop_now_ms(beat->loop));
}

int
coh_pulse_begin(
    struct coh_pulse_beat *beat, struct coh_pulse *pulse, struct coh_loop *loop,
    uint64_t watchdog_ms)
{
    uint64_t period_ms = watchdog_ms / BEATS_PER_LIMIT;
    const struct timeval period = {
        .tv_sec = (time_t)(period_ms / 1000),
        .tv_usec = (suseconds_t)(period_ms % 1000 * 1000)};

    *beat = (struct coh_pulse_beat){.pulse = pulse, .loop = loop};
    event_assign(&beat->event, loop->base, -1, EV_PERSIST, on_beat, beat);
    if (watchdog_ms == 0) {
        return 0;
    }
    loop->busy_since = &pulse->busy_since;
    atomic_store(&pulse->last_beat, coh_monotonic_ms());
    atomic_store(&pulse->beat_ms, period_ms);
    return event_add(&beat->event, &period) < 0 ? -ENOMEM : 0;
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
