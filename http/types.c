/* Content types by file extension: the rows of types blocks, in a table. */
#include "http/types.h"

#include "core/str.h"
#include "http/name_table.h"

#define EXTENSION_MAX 64

struct type_row {
    struct cohort_str extension; /* lower case */
    struct cohort_str type;
};

struct coh_types {
    const struct type_row *rows; /* a later one overrides an earlier one */
    size_t row_count;
    const struct coh_name_table *table; /* NULL: look through the rows */
};

struct reading {
    struct type_row *rows;
    size_t count;
};

const struct coh_types *
coh_types_default(void)
{
    static const struct type_row rows[] = {
        {{"html", 4}, {"text/html", 9}},
        {{"gif", 3}, {"image/gif", 9}},
        {{"jpg", 3}, {"image/jpeg", 10}},
    };
    static const struct coh_types types = {
        rows, sizeof(rows) / sizeof(rows[0]), NULL};

    return &types;
}

static struct cohort_str
lower_copy(struct cohort_conf *conf, struct cohort_str text)
{
    char *copy = cohort_conf_alloc(conf, text.size + 1);
    size_t i;

    for (i = 0; i < text.size; i++) {
        copy[i] = coh_lower(text.data[i]);
    }
    return cohort_str_n(copy, text.size);
}

static int
read_row(struct cohort_conf *conf, void *user)
{
    struct reading *reading = user;
    struct cohort_str type = cohort_conf_name(conf);
    int result = 0;
    size_t i;

    for (i = 0; i < cohort_conf_arg_count(conf); i++) {
        struct cohort_str extension = cohort_conf_arg(conf, i);
        struct type_row *row;

        if (extension.size > EXTENSION_MAX) {
            result = cohort_conf_error_at(
                conf, i, "extension longer than %d bytes", EXTENSION_MAX);
            continue;
        }
        row = cohort_conf_append(
            conf, (void **)&reading->rows, &reading->count, sizeof(*row));
        row->extension = lower_copy(conf, extension);
        row->type = type;
    }
    return result;
}

/* The last row of an extension counts: they are added from the end. */
static const struct coh_name_table *
make_table(struct cohort_conf *conf, const struct type_row *rows, size_t count)
{
    struct coh_name_table *table = coh_name_table_init(
        cohort_conf_alloc(conf, coh_name_table_size(count)), count);
    size_t i;

    for (i = count; i > 0; i--) {
        (void)coh_name_table_add(table, rows[i - 1].extension, &rows[i - 1]);
    }
    return table;
}

int
coh_types_read(struct cohort_conf *conf, const struct coh_types **types)
{
    struct reading reading = {NULL, 0};
    struct coh_types *made = cohort_conf_alloc(conf, sizeof(*made));
    int result;
    size_t i;

    for (i = 0; *types && i < (*types)->row_count; i++) {
        struct type_row *row = cohort_conf_append(
            conf, (void **)&reading.rows, &reading.count, sizeof(*row));

        *row = (*types)->rows[i];
    }
    result = cohort_conf_raw_each(conf, read_row, &reading);
    made->rows = reading.rows;
    made->row_count = reading.count;
    made->table = make_table(conf, reading.rows, reading.count);
    *types = made;
    return result;
}

static const struct type_row *
find_row(const struct coh_types *types, struct cohort_str extension)
{
    size_t i;

    if (types->table) {
        return coh_name_table_find(types->table, extension);
    }
    for (i = 0; i < types->row_count; i++) {
        if (coh_str_equal(types->rows[i].extension, extension)) {
            return &types->rows[i];
        }
    }
    return NULL;
}

struct cohort_str
coh_types_find(
    const struct coh_types *types, struct cohort_str path,
    struct cohort_str fallback)
{
    char lower[EXTENSION_MAX];
    const struct type_row *row;
    ssize_t dot = coh_str_rindex(path, '.');
    ssize_t slash = coh_str_rindex(path, '/');
    size_t size;
    size_t i;

    if (dot < 0 || dot < slash || path.size - (size_t)dot - 1 > sizeof(lower)) {
        return fallback;
    }
    size = path.size - (size_t)dot - 1;
    for (i = 0; i < size; i++) {
        lower[i] = coh_lower(path.data[(size_t)dot + 1 + i]);
    }
    row = find_row(types, cohort_str_n(lower, size));
    return row ? row->type : fallback;
}
