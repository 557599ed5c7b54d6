/* Finds directives by name, and the nearest name to a wrong one. */
#include "conf/directives.h"

#include <stdlib.h>

#include "core/str.h"

static const struct {
    enum cohort_conf_context context;
    const char *name;
} context_names[] = {
    {COHORT_IN_MAIN, "main"},
    {COHORT_IN_EVENTS, "events"},
    {COHORT_IN_HTTP, "http"},
    {COHORT_IN_SERVER, "server"},
    {COHORT_IN_LOCATION, "location"},
    {COHORT_IN_IF, "if in location"},
    {COHORT_IN_SERVER_IF, "if in server"},
    {COHORT_IN_LIMIT_EXCEPT, "limit_except"},
    {COHORT_IN_UPSTREAM, "upstream"},
    {COHORT_IN_WORKER_GROUP, "worker_group"},
};
#define CONTEXT_COUNT (sizeof(context_names) / sizeof(context_names[0]))

/* The one directive of the language itself, for those who ask for it by name:
   it is followed where it is read (include.c), and never applied. */
static const struct cohort_directive own_rows[] = {
    {
        .name = "include",
        .usage = "file | pattern",
        .help = "Takes the directives of a file, or of all that match a "
                "pattern, sorted by name, in its place. A name that is "
                "relative starts at the folder of the configuration file.",
        .where = COHORT_IN_MAIN | COHORT_IN_EVENTS | COHORT_IN_HTTP |
            COHORT_IN_SERVER | COHORT_IN_LOCATION | COHORT_IN_IF |
            COHORT_IN_SERVER_IF | COHORT_IN_LIMIT_EXCEPT | COHORT_IN_UPSTREAM |
            COHORT_IN_WORKER_GROUP,
        .args = {1, 1},
        .kind = COHORT_KIND_ADD,
    },
    {.name = NULL},
};

static const struct cohort_module own_module = {
    .api = COHORT_MODULE_API,
    .name = "configuration",
    .directives = own_rows,
};

static size_t
count_rows(struct cohort_module *const *modules)
{
    size_t count = 0;

    for (; *modules != NULL; modules++) {
        const struct cohort_directive *row = (*modules)->directives;

        for (; row != NULL && row->name != NULL; row++) {
            count++;
        }
    }
    return count;
}

/* Rows of one name stay in the order of the tables. */
static int
compare_entries(const void *a, const void *b)
{
    const struct coh_directive_entry *left = a;
    const struct coh_directive_entry *right = b;
    int order = strcmp(left->row->name, right->row->name);

    if (order == 0) {
        order = left->order < right->order ? -1 : 1;
    }
    return order;
}

static void
add_rows(struct coh_directives *directives, const struct cohort_module *module)
{
    const struct cohort_directive *row = module->directives;

    for (; row != NULL && row->name != NULL; row++) {
        directives->entries[directives->count] = (struct coh_directive_entry){
            .row = row,
            .module = module,
            .order = directives->count,
        };
        directives->count++;
    }
}

void
coh_directives_init(
    struct coh_directives *directives, struct coh_arena *arena,
    struct cohort_module *const *modules)
{
    size_t own_count = sizeof(own_rows) / sizeof(own_rows[0]) - 1;

    directives->count = 0;
    directives->entries = coh_arena_alloc(
        arena,
        (own_count + count_rows(modules)) * sizeof(*directives->entries));
    add_rows(directives, &own_module);
    for (; *modules != NULL; modules++) {
        add_rows(directives, *modules);
    }
    qsort(
        directives->entries, directives->count, sizeof(*directives->entries),
        compare_entries);
}

/* The first entry whose name is not below, or count. */
static size_t
lower_bound(const struct coh_directives *directives, struct cohort_str name)
{
    size_t low = 0;
    size_t high = directives->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const char *there = directives->entries[middle].row->name;

        if (coh_str_compare(cohort_str(there), name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const struct coh_directive_entry *
coh_directives_find(
    const struct coh_directives *directives, struct cohort_str name,
    size_t *count)
{
    size_t first = lower_bound(directives, name);
    size_t end = first;

    while (end < directives->count &&
           coh_str_is(name, directives->entries[end].row->name)) {
        end++;
    }
    *count = end - first;
    return end > first ? &directives->entries[first] : NULL;
}

/* How far a name may be from what was meant: a slip in a short one, a few in a
   long one. */
static unsigned
distance_limit(size_t size)
{
    return size < 5 ? 1 : size < 9 ? 2 : 3;
}

const char *
coh_directives_nearest(
    const struct coh_directives *directives, struct cohort_str name,
    unsigned where)
{
    unsigned limit = distance_limit(name.size);
    const char *best = NULL;
    unsigned best_cost = 2 * limit + 2;

    for (size_t i = 0; i < directives->count; i++) {
        const struct cohort_directive *row = directives->entries[i].row;
        unsigned distance =
            coh_str_distance(name, cohort_str(row->name), limit);
        bool is_allowed = where == 0 || (row->where & where) != 0;
        unsigned cost = 2 * distance + (is_allowed ? 0 : 1);

        if (distance <= limit && cost < best_cost) {
            best = row->name;
            best_cost = cost;
        }
    }
    return best;
}

const char *
coh_context_names(struct coh_arena *arena, unsigned contexts)
{
    const char *names = "";

    for (size_t i = 0; i < CONTEXT_COUNT; i++) {
        if ((contexts & context_names[i].context) != 0) {
            names = coh_arena_printf(
                arena, "%s%s%s", names, names[0] == '\0' ? "" : ", ",
                context_names[i].name);
        }
    }
    return names;
}

const char *
coh_directive_form(struct coh_arena *arena, const struct cohort_directive *row)
{
    const char *usage = row->usage != NULL ? row->usage : "";
    const char *end = ";";

    if (strchr(usage, '{') != NULL) {
        end = "";
    } else if (coh_directive_is_block(row)) {
        end = " { ... }";
    }
    return coh_arena_printf(
        arena, "%s%s%s%s", row->name, usage[0] != '\0' ? " " : "", usage, end);
}
