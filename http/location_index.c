/* Finds the location of a path: exact ones in a table, prefixes in a sorted
   array. Of all prefixes of a path, the longest is the greatest one that is not
   after the path in bytewise order, or a prefix of that one; so a binary search
   and the chain of shorter prefixes find it, whatever the characters. */
#include "http/location_index.h"

#include <endian.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/str.h"

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

/* Is the prefix after a path of that key? */
static bool
is_after(const struct coh_prefix *prefix, struct cohort_str path, uint64_t key)
{
    if (prefix->key != key) {
        return prefix->key > key;
    }
    return coh_str_compare(prefix->location->path, path) > 0;
}

static bool
is_prefix_of(
    const struct coh_prefix *prefix, struct cohort_str path, uint64_t key)
{
    return (key & prefix->mask) == prefix->key &&
        (prefix->mask != UINT64_MAX ||
         coh_str_starts_with(path, prefix->location->path));
}

static int
compare_prefixes(const void *a, const void *b)
{
    const struct coh_prefix *left = a;
    const struct coh_prefix *right = b;

    return coh_str_compare(left->location->path, right->location->path);
}

/* Each prefix's chain: those before it, from the nearest on. */
static void
link_prefixes(struct coh_prefix *prefixes, size_t count)
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

static size_t
count_of(
    struct coh_location *const *locations, size_t count,
    enum coh_location_match match)
{
    size_t found = 0;
    size_t i;

    for (i = 0; i < count; i++) {
        found += locations[i]->match == match;
    }
    return found;
}

static const struct coh_name_table *
make_table(
    struct cohort_conf *conf, struct coh_location *const *locations,
    size_t count, enum coh_location_match match)
{
    size_t wanted = count_of(locations, count, match);
    struct coh_name_table *table;
    size_t i;

    if (wanted == 0) {
        return NULL;
    }
    table = coh_name_table_init(
        cohort_conf_alloc(conf, coh_name_table_size(wanted)), wanted);
    for (i = 0; i < count; i++) {
        if (locations[i]->match == match) {
            (void)coh_name_table_add(table, locations[i]->path, locations[i]);
        }
    }
    return table;
}

const struct coh_location_index *
coh_location_index_new(
    struct cohort_conf *conf, struct coh_location *const *locations,
    size_t count)
{
    struct coh_location_index *index = cohort_conf_alloc(conf, sizeof(*index));
    size_t prefix_count = count_of(locations, count, COH_MATCH_PREFIX);
    struct coh_prefix *prefixes =
        cohort_conf_alloc(conf, (prefix_count + 1) * sizeof(*prefixes));
    size_t i;

    for (i = 0; i < count; i++) {
        if (locations[i]->match == COH_MATCH_PREFIX) {
            struct coh_prefix *prefix = &prefixes[index->prefix_count];

            prefix->location = locations[i];
            prefix->key = key_of(locations[i]->path);
            prefix->mask = mask_of(locations[i]->path.size);
            index->prefix_count++;
        }
    }
    qsort(prefixes, prefix_count, sizeof(*prefixes), compare_prefixes);
    link_prefixes(prefixes, prefix_count);
    index->prefixes = prefixes;
    index->exact = make_table(conf, locations, count, COH_MATCH_EXACT);
    index->named = make_table(conf, locations, count, COH_MATCH_NAMED);
    return index;
}

const struct coh_location *
coh_location_find_exact(
    const struct coh_location_index *index, struct cohort_str path)
{
    return index->exact ? coh_name_table_find(index->exact, path) : NULL;
}

/* How many prefixes are not after the path. */
static size_t
count_until(
    const struct coh_location_index *index, struct cohort_str path,
    uint64_t key)
{
    size_t low = 0;
    size_t high = index->prefix_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (is_after(&index->prefixes[middle], path, key)) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

const struct coh_location *
coh_location_find_prefix(
    const struct coh_location_index *index, struct cohort_str path)
{
    uint64_t key = key_of(path);
    size_t candidate = count_until(index, path, key);

    while (candidate > 0 &&
           !is_prefix_of(&index->prefixes[candidate - 1], path, key)) {
        candidate = index->prefixes[candidate - 1].shorter;
    }
    return candidate > 0 ? index->prefixes[candidate - 1].location : NULL;
}
