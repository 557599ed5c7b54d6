/* Another template for a generation whose own has died, as often as it takes
   until one has loaded. What happens to templates comes in by the functions of
   generation.h.

     at rest -> loading    it has died; one that loads after a crash will do
     loading -> at rest    it has loaded the same: workers come from it; or it
                           has loaded something else: a reload must come first
     loading -> waiting    it could not be started, has died, too, or found
                           errors: the next one comes by back-off
     waiting -> loading    the time is over
     any -> at rest        the generation ends

   Workers that are to be forked wait for it; after errors, which may last, no
   more. */
#ifndef COH_PRIMARY_TEMPLATE_REPAIR_H
#define COH_PRIMARY_TEMPLATE_REPAIR_H

#include <event2/event_struct.h>

#include "server/primary/respawn.h"

struct coh_generation;
struct coh_template;

/* Of a generation, which says in is_repairing whether workers wait for it. */
struct coh_repair {
    struct coh_template *candidate; /* that loads; NULL: none */
    struct coh_respawn respawn;
    struct event retry;
};

void coh_template_repair_init(struct coh_generation *generation);

/* At rest from now on. Fine twice. */
void coh_template_repair_end(struct coh_generation *generation);

#endif
