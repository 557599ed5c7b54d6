/* Whether connections are accepted one by one as they come, or at intervals. */
#ifndef COH_SERVER_ACCEPT_MODERATION_H
#define COH_SERVER_ACCEPT_MODERATION_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A connection that is handed over wakes two processes. Where many come, both
 * wake-ups are better shared by several of them, as network cards share their
 * interrupts: at 25,000 a second it halves what a hand-off costs. But clients
 * that come again only when they were answered come less often if each of them
 * waits, and only then; so it is tried, and kept while it slows nobody down.
 *
 *   direct -> moderated  an epoch brought COH_MODERATION_RATE, and the caution
 *                        after the last failure is over
 *   moderated -> direct  an epoch brought clearly less than the last direct
 *                        one, or it cannot be done (coh_moderation_end):
 *                        failure, with twice the caution of the last one
 *   moderated -> direct  for one epoch, to compare anew, whenever trust is used
 *                        up; it doubles each time
 *
 * Nobody waits longer than COH_MODERATION_INTERVAL_US for that.
 */
#define COH_MODERATION_INTERVAL_US 500
#define COH_MODERATION_EPOCH_US 16000
#define COH_MODERATION_RATE 8000   /* connections a second */
#define COH_MODERATION_PATIENCE 64 /* epochs of trust or caution, at most */

/* All zero is the right beginning. Times are monotonic microseconds. */
struct coh_moderation {
    bool is_on;
    uint64_t since_us;    /* when this epoch began */
    unsigned count;       /* connections in it */
    uint64_t direct_rate; /* of the last direct epoch, per second */
    unsigned left;        /* epochs before is_on may change for the better */
    unsigned trust;       /* epochs; the next moderation's */
    unsigned caution;     /* epochs; after the next failure */
};

/* So many have been accepted in one wake-up, or at one interval. True: is_on
   has changed. */
bool coh_moderation_count(
    struct coh_moderation *moderation, unsigned count, uint64_t now_us);

/* It cannot be done now: direct again, as after a failure. */
void coh_moderation_end(struct coh_moderation *moderation, uint64_t now_us);

#endif
