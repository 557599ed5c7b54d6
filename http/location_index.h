/* Finds the location of a path among those of one block. */
#ifndef COH_HTTP_LOCATION_INDEX_H
#define COH_HTTP_LOCATION_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include <cohort/conf.h>

#include "http/location.h"

/* A location among others in the bytewise order of their paths. */
struct coh_place {
    /* The first eight bytes as a number that has their order, and which of them
       the path has: most comparisons end here. */
    uint64_t key;
    uint64_t mask;
    const struct coh_location *location;
    /* Of a prefix: one more than the place of the longest other prefix that is
       a prefix of this one; 0: there is none. */
    size_t shorter;
};

struct coh_places {
    const struct coh_place *items;
    size_t count;
};

struct coh_location_index {
    struct coh_places exact;
    struct coh_places prefixes;
    struct coh_places named;
};

/* Index locations of which no two are the same. Lives as long as the
   generation. */
const struct coh_location_index *coh_location_index_new(
    struct cohort_conf *conf, struct coh_location *const *locations,
    size_t count);

/* The one whose path is exactly this, or NULL: of index->exact or ->named. */
const struct coh_location *coh_location_find_exact(
    const struct coh_places *places, struct cohort_str path);

/* The longest prefix location of a path, or NULL. */
const struct coh_location *coh_location_find_prefix(
    const struct coh_places *prefixes, struct cohort_str path);

#endif
