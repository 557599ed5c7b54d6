/* How many workers there should be, and how many there are, of the built-in
   service and of all worker groups together. */
#ifndef COH_PRIMARY_HEADCOUNT_H
#define COH_PRIMARY_HEADCOUNT_H

#include <stdint.h>

struct coh_primary;

/* Of the current generation. Who was disconnected or killed has left its place
   on purpose, and is not wanted. */
struct coh_headcount {
    unsigned wanted;
    unsigned serving;
    unsigned well; /* of these: they do not hang, and take what they are
                      offered */
};

/*
 * Count them. There is a generation that serves.
 *
 * gone  One that has just ended, and is in the lists for a moment more; 0:
 *       nobody.
 */
struct coh_headcount coh_headcount(
    const struct coh_primary *primary, uint64_t gone);

/* All processes that are left, of whatever generation. */
unsigned coh_headcount_left(const struct coh_primary *primary, uint64_t gone);

#endif
