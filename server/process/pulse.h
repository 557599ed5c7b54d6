/* A worker's signs of life, in its slot: by them the primary sees whether its
   event loop still turns (server/primary/watchdog). */
#ifndef COH_PROCESS_PULSE_H
#define COH_PROCESS_PULSE_H

#include <event2/event_struct.h>
#include <stdatomic.h>
#include <stdint.h>

#define COH_PULSE_DOING_MAX 256  /* bytes */
#define COH_PULSE_PERIOD_MS 1000 /* between two beats, at most */
#define COH_PULSE_RECENT 10      /* beats that the lag is told of */

struct coh_loop;

/* Times are monotonic milliseconds (core/clock), the same in all processes. */
struct coh_pulse {
    /* The turn of the event loop that runs; 0: it waits. */
    _Atomic uint64_t busy_since;
    /* It beats at least every beat_ms; 0: not yet, or never. Who does not has
       stopped, or hangs in a callback that has not asked for the time. */
    _Atomic uint64_t last_beat;
    _Atomic uint64_t beat_ms;
    /* How late the latest of the recent beats was, in milliseconds, and when
       the next one is due; 0: it has not begun. */
    _Atomic uint64_t lag_ms;
    _Atomic uint64_t due_ms;
    /* What it was doing when it was asked, by a signal; NUL-terminated, unless
       somebody else has written there. */
    char doing[COH_PULSE_DOING_MAX];
};

/* The worker's side. */
struct coh_pulse_beat {
    struct coh_pulse *pulse; /* NULL: it has not begun */
    struct coh_loop *loop;
    struct event event;
    uint64_t period_ms;
    uint64_t lags_ms[COH_PULSE_RECENT];
    unsigned count; /* of beats */
};

/* Beat so often that a watchdog of that limit sees it in time; 0: none watches,
   and only the lag is told. The loop tells its turns from now on. pulse and
   loop outlive the beat. 0 or -ENOMEM. */
int coh_pulse_begin(
    struct coh_pulse_beat *beat, struct coh_pulse *pulse, struct coh_loop *loop,
    uint64_t watchdog_ms);
void coh_pulse_end(struct coh_pulse_beat *beat);

/* How late the loop is, as seen by another process: a beat that is overdue
   counts from the moment it was due. */
uint64_t coh_pulse_lag(const struct coh_pulse *pulse, uint64_t now_ms);

#endif
