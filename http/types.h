/* Content types by file extension. */
#ifndef COH_HTTP_TYPES_H
#define COH_HTTP_TYPES_H

#include <cohort/conf.h>

struct coh_types;

/* What holds where no types block is given: html, gif, jpg. */
const struct coh_types *coh_types_default(void);

/* Read a types block; *types: what earlier ones of the same block made, or
   NULL. 0, or -errno after it was told. */
int coh_types_read(struct cohort_conf *conf, const struct coh_types **types);

/* The type of a path by its extension (in any case), or fallback. */
struct cohort_str coh_types_find(
    const struct coh_types *types, struct cohort_str path,
    struct cohort_str fallback);

#endif
