/* Generations that were replaced and still finish requests: so many, no
   more. */
#ifndef COH_PRIMARY_OLD_GENERATIONS_H
#define COH_PRIMARY_OLD_GENERATIONS_H

#include <stdbool.h>
#include <stddef.h>

struct coh_primary;

/*
 * The current generation is about to become an old one, too.
 *
 * is_forced  End the oldest ones at once rather than refuse.
 * why        Set if it is refused: how many there are, and what to do.
 * Returns    0, or -EBUSY.
 */
int coh_old_generations_make_room(
    struct coh_primary *primary, bool is_forced, char *why, size_t why_size);

#endif
