/* What cohort top shows: a table of workers, made of two looks at them. */
#ifndef COH_ADMIN_TOP_TABLE_H
#define COH_ADMIN_TOP_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COH_TOP_LINE_MAX 256

struct coh_top_row {
    uint64_t id;
    uint64_t pid;
    uint64_t generation;
    uint64_t connections;
    uint64_t requests;
    uint64_t cpu_ms;
    uint64_t rss;
    uint64_t age_ms;
    uint64_t lag_ms;
    bool has_lag;
    char group[32];
    char state[16];
    double request_rate; /* per second, since the look before */
    double cpu;          /* of one processor, in percent */
};

struct coh_top_table {
    char title[COH_TOP_LINE_MAX];
    uint64_t taken_ms; /* monotonic */
    struct coh_top_row *rows;
    size_t count;
};

/* Look. 0 or -errno; to be given back either way. */
int coh_top_take(const char *path, struct coh_top_table *table);
void coh_top_table_fini(struct coh_top_table *table);

/* Fill in the rates, from an earlier look; a worker that is new there has those
   of its whole life. */
void coh_top_compare(
    struct coh_top_table *table, const struct coh_top_table *before);

/* A line as it is shown, without its end. */
void coh_top_format_head(char line[COH_TOP_LINE_MAX]);
void coh_top_format_row(
    const struct coh_top_row *row, char line[COH_TOP_LINE_MAX]);
/* All workers together. */
void coh_top_format_sum(
    const struct coh_top_table *table, char line[COH_TOP_LINE_MAX]);

#endif
