/* A worker group as a template has declared it. */
#ifndef COH_PRIMARY_GROUP_DECLARATION_H
#define COH_PRIMARY_GROUP_DECLARATION_H

#include <stdbool.h>
#include <stddef.h>

#include <cohort/cluster.h>

#include "server/process/frames.h"

struct coh_group_declaration {
    struct coh_arena *arena; /* holds all of it, itself too */
    struct coh_frame_group *frame;
    const char *texts; /* all of them, as they came */
    size_t texts_size;
    const char *name;
    struct cohort_settings settings; /* how its workers are started */
    const char *const *listen_names; /* as many as frame->listen_count */
};

/* Read a frame; nothing of it is kept. NULL: it cannot be. */
struct coh_group_declaration *coh_group_declaration_new(
    const void *data, size_t size);

/* NULL is fine. */
void coh_group_declaration_free(struct coh_group_declaration *declaration);

/* Do both say the same, apart from how many workers there are? */
bool coh_group_declaration_is_same(
    const struct coh_group_declaration *one,
    const struct coh_group_declaration *other);

#endif
