/* A table from names to objects, filled at load and only read afterwards. */
#ifndef COH_HTTP_NAME_TABLE_H
#define COH_HTTP_NAME_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include <cohort/str.h>

struct coh_name_entry {
    struct cohort_str name;
    const void *value; /* NULL: free */
};

struct coh_name_table {
    uint32_t mask;
    uint32_t count;
    struct coh_name_entry entries[];
};

/* Bytes that a table for so many names takes. */
size_t coh_name_table_size(size_t count);

/* Make a table in zeroed memory of that size. */
struct coh_name_table *coh_name_table_init(void *memory, size_t count);

/* The name is not copied; value is not NULL. -EEXIST: it is in the table. */
int coh_name_table_add(
    struct coh_name_table *table, struct cohort_str name, const void *value);

/* What was added under exactly this name, or NULL. */
const void *coh_name_table_find(
    const struct coh_name_table *table, struct cohort_str name);

#endif
