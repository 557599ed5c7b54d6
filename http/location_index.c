/* Finds the location of a path in sorted arrays. Of all prefixes of a path, the
   longest is the greatest one that is not after the path in bytewise order, or
   a prefix of that one; so a binary search and the chain of shorter prefixes
   find it, whatever the characters. */
#include "http/location_index.h"

#include <endian.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/str.h"

/* --- order ---------------------------------------------------------------- */

/* Paths have no NUL, so what is missing sorts before everything. */
static uint64_t
key_of(struct cohort_str text)
{
    uint64_t key = 0;

    memcpy(&key, text.data, text.size < sizeof(key) ? text.size : sizeof(key));
    return be64toh(key);
}

static uint64_t
mask_of(size_t size)
{
    return size >= sizeof(uint64_t) ? UINT64_MAX : ~(UINT64_MAX >> (8 * size));
}

/* Is the place after a path of that key? */
static bool
is_after(const struct coh_place *place, struct cohort_str path, uint64_t key)
{
    if (place->key != key) {
        return place->key > key;
    }
    return coh_str_compare(place->location->path, path) > 0;
}

static bool
is_prefix_of(
    const struct coh_place *place, struct cohort_str path, uint64_t key)
{
    return (key & place->mask) == place->key &&
        (place->mask != UINT64_MAX ||
         coh_str_starts_with(path, place->location->path));
}

static int
compare_places(const void *a, const void *b)
{
    const struct coh_place *left = a;
    const struct coh_place *right = b;

    return coh_str_compare(left->location->path, right->location->path);
}

/* --- at load -------------------------------------------------------------- */

/* Each prefix's chain: those before it, from the nearest on. */
static void
link_prefixes(struct coh_place *prefixes, size_t count)
{
    size_t i;

    for (i = 1; i < count; i++) {
        size_t candidate = i;

        while (candidate > 0 &&
               !coh_str_starts_with(
                   prefixes[i].location->path,
                   prefixes[candidate - 1].location->path)) {
            candidate = prefixes[candidate - 1].shorter;
        }
        prefixes[i].shorter = candidate;
    }
}

/* Those of one kind, sorted. */
static struct coh_places
make_places(
    struct cohort_conf *conf, struct coh_location *const *locations,
    size_t count, enum coh_location_match match)
{
    struct coh_place *items =
        cohort_conf_alloc(conf, (count + 1) * sizeof(*items));
    struct coh_places places = {items, 0};
    size_t i;

    for (i = 0; i < count; i++) {
        if (locations[i]->match == match) {
            struct coh_place *place = &items[places.count];

            place->location = locations[i];
            place->key = key_of(locations[i]->path);
            place->mask = mask_of(locations[i]->path.size);
            places.count++;
        }
    }
    qsort(items, places.count, sizeof(*items), compare_places);
    if (match == COH_MATCH_PREFIX) {
        link_prefixes(items, places.count);
    }
    return places;
}

const struct coh_location_index *
coh_location_index_new(
    struct cohort_conf *conf, struct coh_location *const *locations,
    size_t count)
{
    struct coh_location_index *index = cohort_conf_alloc(conf, sizeof(*index));

    index->exact = make_places(conf, locations, count, COH_MATCH_EXACT);
    index->prefixes = make_places(conf, locations, count, COH_MATCH_PREFIX);
    index->named = make_places(conf, locations, count, COH_MATCH_NAMED);
    return index;
}

/* --- while serving -------------------------------------------------------- */

/* How many places are not after the path. */
static size_t
count_until(
    const struct coh_places *places, struct cohort_str path, uint64_t key)
{
    size_t low = 0;
    size_t high = places->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (is_after(&places->items[middle], path, key)) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

const struct coh_location *
coh_location_find_exact(const struct coh_places *places, struct cohort_str path)
{
    const struct coh_location *location;
    size_t count;

    if (places->count == 0) {
        return NULL;
    }
    count = count_until(places, path, key_of(path));
    if (count == 0) {
        return NULL;
    }
    location = places->items[count - 1].location;
    return coh_str_equal(location->path, path) ? location : NULL;
}

const struct coh_location *
coh_location_find_prefix(
    const struct coh_places *prefixes, struct cohort_str path)
{
    uint64_t key = key_of(path);
    size_t candidate = count_until(prefixes, path, key);

    while (candidate > 0 &&
           !is_prefix_of(&prefixes->items[candidate - 1], path, key)) {
        candidate = prefixes->items[candidate - 1].shorter;
    }
    return candidate > 0 ? prefixes->items[candidate - 1].location : NULL;
}
