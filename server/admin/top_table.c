/* Looks at all workers, and what changed between two of them. */
#include "server/admin/top_table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/json.h"
#include "server/admin/client.h"
#include "server/admin/show.h"

#define ANSWER_MAX (64 * 1024 * 1024)

static uint64_t
monotonic_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* --- looking -------------------------------------------------------------- */

static int
fetch(const char *path, const char *target, struct coh_json **value)
{
    struct coh_client_answer answer;
    int result = coh_client_ask(path, "GET", target, NULL, &answer);

    *value = NULL;
    if (result == 0 && answer.status == 403) {
        result = -EACCES;
    } else if (result == 0 && answer.status != 200) {
        result = -EPROTO;
    }
    if (result == 0) {
        result = coh_json_parse(
            cohort_str_n(answer.body, answer.size), ANSWER_MAX, value, NULL);
    }
    coh_client_answer_fini(&answer);
    return result;
}

static uint64_t
number(const struct coh_json *object, const char *name)
{
    return (uint64_t)coh_show_number(object, name);
}

static bool
is_number(const struct coh_json *value)
{
    return value && coh_json_kind(value) == COH_JSON_INTEGER;
}

static void
fill_row(struct coh_top_row *row, const struct coh_json *worker)
{
    *row = (struct coh_top_row){
        .id = number(worker, "id"),
        .pid = number(worker, "pid"),
        .generation = number(worker, "generation"),
        .connections = number(worker, "connections"),
        .requests = number(worker, "requests"),
        .cpu_ms = number(worker, "cpu_ms"),
        .rss = number(worker, "rss_bytes"),
        .age_ms = number(worker, "age_ms"),
        .lag_ms = number(worker, "loop_lag_ms"),
        .has_lag = is_number(coh_json_member(worker, "loop_lag_ms")),
    };
    snprintf(
        row->group, sizeof(row->group), "%s", coh_show_text(worker, "group"));
    snprintf(
        row->state, sizeof(row->state), "%s", coh_show_text(worker, "state"));
}

static int
fill_rows(struct coh_top_table *table, const struct coh_json *workers)
{
    table->count = coh_json_count(workers);
    table->rows = calloc(table->count + 1, sizeof(*table->rows));
    if (!table->rows) {
        table->count = 0;
        return -ENOMEM;
    }
    for (size_t i = 0; i < table->count; i++) {
        fill_row(&table->rows[i], coh_json_element(workers, i));
    }
    return 0;
}

static void
fill_title(struct coh_top_table *table, const struct coh_json *status)
{
    const struct coh_json *groups = coh_json_member(status, "groups");
    int64_t serving = 0;
    int64_t target = 0;

    for (size_t i = 0; i < coh_json_count(groups); i++) {
        const struct coh_json *group = coh_json_element(groups, i);

        serving += coh_show_number(group, "serving");
        target += coh_show_number(group, "target");
    }
    snprintf(
        table->title, sizeof(table->title),
        "cohort %s   %s   generation %" PRId64 "   %" PRId64 " of %" PRId64
        " workers serve",
        coh_show_text(status, "version"), coh_show_text(status, "state"),
        coh_show_number(status, "generation"), serving, target);
}

int
coh_top_take(const char *path, struct coh_top_table *table)
{
    struct coh_json *status = NULL;
    struct coh_json *answer = NULL;
    int result;

    *table = (struct coh_top_table){0};
    result = fetch(path, "/v1/status", &status);
    if (result == 0) {
        result = fetch(path, "/v1/workers", &answer);
    }
    table->taken_ms = monotonic_ms();
    if (result == 0) {
        fill_title(table, status);
        result = fill_rows(table, coh_json_member(answer, "workers"));
    }
    coh_json_free(status);
    coh_json_free(answer);
    return result;
}

void
coh_top_table_fini(struct coh_top_table *table)
{
    free(table->rows);
    *table = (struct coh_top_table){0};
}

/* --- comparing ------------------------------------------------------------ */

static const struct coh_top_row *
find(const struct coh_top_table *table, uint64_t id)
{
    for (size_t i = 0; i < table->count; i++) {
        if (table->rows[i].id == id) {
            return &table->rows[i];
        }
    }
    return NULL;
}

static void
compare(
    struct coh_top_row *row, const struct coh_top_row *before,
    uint64_t elapsed_ms)
{
    uint64_t requests = row->requests - (before ? before->requests : 0);
    uint64_t cpu_ms = row->cpu_ms - (before ? before->cpu_ms : 0);
    double ms = (double)(before ? elapsed_ms : row->age_ms);

    if (ms > 0) {
        row->request_rate = (double)requests * 1000 / ms;
        row->cpu = (double)cpu_ms * 100 / ms;
    }
}

void
coh_top_compare(struct coh_top_table *table, const struct coh_top_table *before)
{
    for (size_t i = 0; i < table->count; i++) {
        compare(
            &table->rows[i], find(before, table->rows[i].id),
            table->taken_ms - before->taken_ms);
    }
}

/* --- lines ---------------------------------------------------------------- */

void
coh_top_format_head(char line[COH_TOP_LINE_MAX])
{
    snprintf(
        line, COH_TOP_LINE_MAX,
        "%6s %8s %-8s %-9s %4s %6s %10s %6s %6s %6s %8s", "WORKER", "PID",
        "GROUP", "STATE", "GEN", "CONNS", "REQUESTS/s", "CPU%", "RSS", "LAG",
        "AGE");
}

void
coh_top_format_row(const struct coh_top_row *row, char line[COH_TOP_LINE_MAX])
{
    char rss[16];
    char lag[24] = "-";
    char age[16];

    if (row->has_lag) {
        snprintf(lag, sizeof(lag), "%" PRIu64 "ms", row->lag_ms);
    }
    snprintf(
        line, COH_TOP_LINE_MAX,
        "%6" PRIu64 " %8" PRIu64 " %-8s %-9s %4" PRIu64 " %6" PRIu64
        " %10.1f %6.1f %6s %6s %8s",
        row->id, row->pid, row->group, row->state, row->generation,
        row->connections, row->request_rate, row->cpu,
        coh_show_size(row->rss, rss), lag, coh_show_duration(row->age_ms, age));
}

void
coh_top_format_sum(
    const struct coh_top_table *table, char line[COH_TOP_LINE_MAX])
{
    struct coh_top_row sum = {0};
    char rss[16];

    for (size_t i = 0; i < table->count; i++) {
        sum.connections += table->rows[i].connections;
        sum.request_rate += table->rows[i].request_rate;
        sum.cpu += table->rows[i].cpu;
        sum.rss += table->rows[i].rss;
    }
    snprintf(
        line, COH_TOP_LINE_MAX,
        "%6s %8s %-8s %-9s %4s %6" PRIu64 " %10.1f %6.1f %6s", "all", "", "",
        "", "", sum.connections, sum.request_rate, sum.cpu,
        coh_show_size(sum.rss, rss));
}
