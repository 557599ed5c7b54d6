/* The admin helper among those that the watchdog looks at: it is asked for a
   sign of life, and killed and so started anew when it gives none for
   worker_watchdog (off: it is not watched). Until its first word it has
   reload_timeout, as a worker has. */
#ifndef COH_PRIMARY_HELPER_WATCH_H
#define COH_PRIMARY_HELPER_WATCH_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/primary/watchdog.h"

struct coh_frame_settings;
struct coh_helper;

struct coh_helper_watch {
    struct coh_watched watched;
    uint64_t limit_ms;       /* 0: off */
    uint64_t start_limit_ms; /* until it has said hello; 0: off */
    bool has_spoken;
    uint64_t asked_ms; /* since when it owes a word; 0: it does not */
    struct event ask;  /* the next time */
};

void coh_helper_watch_init(struct coh_helper *helper);

/* These settings hold from now on. */
void coh_helper_watch_set(
    struct coh_helper *helper, const struct coh_frame_settings *settings);

/* Its process has begun. */
void coh_helper_watch_begin(struct coh_helper *helper);

/* It has said hello, or answered. */
void coh_helper_watch_heard(struct coh_helper *helper);

/* It has ended, or has its time to leave. Fine twice. */
void coh_helper_watch_end(struct coh_helper *helper);

#endif
