/* Finds the location of a path: exact ones in a table, prefixes in a sorted
   array. Of all prefixes of a path, the longest is the greatest one that is not
   after the path in bytewise order, or a prefix of that one; so a binary search
   and the chain of shorter prefixes find it, whatever the characters. */
#include "http/location_index.h"

#include <stdlib.h>

#include "core/str.h"

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
            prefixes[index->prefix_count].location = locations[i];
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
count_until(const struct coh_location_index *index, struct cohort_str path)
{
    size_t low = 0;
    size_t high = index->prefix_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (coh_str_compare(index->prefixes[middle].location->path, path) <=
            0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const struct coh_location *
coh_location_find_prefix(
    const struct coh_location_index *index, struct cohort_str path)
{
    size_t candidate = count_until(index, path);

    while (candidate > 0 &&
           !coh_str_starts_with(
               path, index->prefixes[candidate - 1].location->path)) {
        candidate = index->prefixes[candidate - 1].shorter;
    }
    return candidate > 0 ? index->prefixes[candidate - 1].location : NULL;
}
