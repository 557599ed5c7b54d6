/* A table from names to objects: open addressing, half full at most, with the
   keyed hash, as clients choose what is looked up. */
#include "http/name_table.h"

#include <errno.h>

#include "core/check.h"
#include "core/hash.h"
#include "core/str.h"

static size_t
room_for(size_t count)
{
    size_t room = 4;

    while (room < 2 * count) {
        room *= 2;
    }
    return room;
}

size_t
coh_name_table_size(size_t count)
{
    return sizeof(struct coh_name_table) +
        room_for(count) * sizeof(struct coh_name_entry);
}

struct coh_name_table *
coh_name_table_init(void *memory, size_t count)
{
    struct coh_name_table *table = memory;

    table->mask = (uint32_t)room_for(count) - 1;
    return table;
}

/* Where the name is, or would be. */
static size_t
place_of(const struct coh_name_table *table, struct cohort_str name)
{
    size_t place = (size_t)coh_hash(name.data, name.size) & table->mask;

    while (table->entries[place].value &&
           !coh_str_equal(table->entries[place].name, name)) {
        place = (place + 1) & table->mask;
    }
    return place;
}

int
coh_name_table_add(
    struct coh_name_table *table, struct cohort_str name, const void *value)
{
    struct coh_name_entry *entry = &table->entries[place_of(table, name)];

    COH_CHECK(value && table->count < table->mask);
    if (entry->value) {
        return -EEXIST;
    }
    entry->name = name;
    entry->value = value;
    table->count++;
    return 0;
}

const void *
coh_name_table_find(const struct coh_name_table *table, struct cohort_str name)
{
    return table->entries[place_of(table, name)].value;
}
