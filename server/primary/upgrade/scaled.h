/* Numbers of workers that were asked for at runtime, on their way from one
   primary to the next. As over a reload, a configured number outranks a scaled
   one when it changes. */
#ifndef COH_PRIMARY_SCALED_H
#define COH_PRIMARY_SCALED_H

#include <stddef.h>

#include "server/primary/upgrade/upgrade_records.h"
#include "server/process/group.h"

struct coh_primary;

struct coh_scaled {
    char name[COH_GROUP_NAME_MAX + 1];
    unsigned configured; /* when it was scaled */
    unsigned target;
};

/* Of main and of each worker group of the other primary. */
struct coh_scaled_list {
    struct coh_scaled array[COH_WORKER_GROUPS_MAX + 1];
    size_t count;
};

/* Append a record for main and for each group that serves. */
void coh_scaled_describe(
    const struct coh_primary *primary, struct coh_state *state);

/* Keep what a record says, as long as there is room. 0; -EPROTO: it cannot
   be. */
int coh_scaled_inherit(
    struct coh_scaled_list *list, const struct coh_state_record *record);

/* How many workers a group of the first generation is to have, of max that it
   may have. */
unsigned coh_scaled_choose(
    const struct coh_scaled_list *list, const char *name, unsigned configured,
    unsigned max);

#endif
