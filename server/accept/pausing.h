/* Accepting that pauses: told when it lasts, since under load it stops and goes
   on many times a second. */
#ifndef COH_SERVER_ACCEPT_PAUSING_H
#define COH_SERVER_ACCEPT_PAUSING_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>

#include <cohort/log.h>

struct coh_rotation;

#define COH_PAUSING_TOLD_MS 500

/* Of a rotation. */
struct coh_pausing {
    struct event look;
    uint64_t since_ms; /* if is_paused */
    bool is_paused;    /* some acceptor waits */
    bool is_told;
};

void coh_pausing_init(struct coh_rotation *rotation);
void coh_pausing_fini(struct coh_rotation *rotation);

/* An acceptor stopped for want of credit or of descriptors; or one of those
   went on, or accepts no more at all. */
void coh_pausing_change(struct coh_rotation *rotation, bool is_paused);

/*
 * The level at which another want of descriptors is logged, which may come many
 * times a second: an alert once a minute at most, else a line for debugging.
 *
 * told_ms  When it was an alert last (monotonic); 0: never. Set here.
 */
enum cohort_log_level coh_pausing_level(uint64_t *told_ms);

#endif
