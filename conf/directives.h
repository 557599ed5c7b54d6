/* All rows of all directive tables, found by name. */
#ifndef COH_CONF_DIRECTIVES_H
#define COH_CONF_DIRECTIVES_H

#include <stdio.h>

#include <cohort/conf.h>

#include "core/arena.h"

struct coh_directive_entry {
    const struct cohort_directive *row;
    const struct cohort_module *module;
    size_t order; /* among all rows of all tables */
};

struct coh_directives {
    struct coh_directive_entry *entries; /* by name, then as in the tables */
    size_t count;
};

/* modules ends with NULL. */
void coh_directives_init(
    struct coh_directives *directives, struct coh_arena *arena,
    struct cohort_module *const *modules);

/* The rows of that name, one behind the other, and how many. NULL: none. */
const struct coh_directive_entry *coh_directives_find(
    const struct coh_directives *directives, struct cohort_str name,
    size_t *count);

/* The name that is spelled most like it, better one that is allowed in where
   (0: anywhere); NULL if none is near enough to be meant. */
const char *coh_directives_nearest(
    const struct coh_directives *directives, struct cohort_str name,
    unsigned where);

/* "root path;" or "server { ... }": how it is written, in the arena. */
const char *coh_directive_form(
    struct coh_arena *arena, const struct cohort_directive *row);

/* Does it open a block, of directives or of rows? */
static inline bool
coh_directive_is_block(const struct cohort_directive *row)
{
    return row->block != 0 || row->is_raw;
}

/* "http, server, location": the names of contexts, in the arena. */
const char *coh_context_names(struct coh_arena *arena, unsigned contexts);

#endif
