/* Under which names the primary is found: its pid file and its admin sockets.
   Of two primaries the one that serves last has them, the other one has the
   same with ".oldbin" behind. */
#ifndef COH_PRIMARY_NAMES_H
#define COH_PRIMARY_NAMES_H

#include <sys/types.h>

struct coh_primary;

/* A new admin socket of a new primary is bound to its path with this behind,
   until the names are its own. */
#define COH_NAMES_NEW_SUFFIX ".new"

/* In the old one: have second names, so that the first ones can be taken. */
void coh_names_keep(struct coh_primary *primary);

/* In the old one: the first names are ours again. */
void coh_names_restore(struct coh_primary *primary);

/* In the old one, at its end: nothing is left of the second names. */
void coh_names_drop(struct coh_primary *primary);

/* At the end of either, when the first names are the other one's: it may be
   about to take them, so nothing of them is removed. */
void coh_names_leave(struct coh_primary *primary);

/* In the new one: write the pid file and move the admin sockets to their
   places, over those of the old one (process from). */
void coh_names_take(struct coh_primary *primary, pid_t from);

#endif
