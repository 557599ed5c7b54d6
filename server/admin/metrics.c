/* GET /metrics: what services count and what the primary knows, in the text
   format of Prometheus. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cohort/cohort.h>

#include "server/admin/internal.h"
#include "server/admin/process.h"
#include "server/admin/question.h"
#include "server/admin/reply.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* --- what services count -------------------------------------------------- */

/* A counter of an answer, with its texts. */
struct counter {
    const struct coh_part_counter *part;
    struct cohort_str name;
    struct cohort_str help;
    struct cohort_str labels;
};

static bool
read_counter(const struct coh_answer_part *part, struct counter *counter)
{
    const char *texts;

    counter->part = (const void *)part->head;
    if (part->head->kind != COH_PART_COUNTER ||
        counter->part->kind > COHORT_HISTOGRAM) {
        return false;
    }
    texts = (const char *)(counter->part + 1);
    counter->name = cohort_str_n(texts, counter->part->name_size);
    texts += counter->part->name_size;
    counter->help = cohort_str_n(texts, counter->part->help_size);
    texts += counter->part->help_size;
    counter->labels = cohort_str_n(texts, counter->part->labels_size);
    return true;
}

static bool
is_same(struct cohort_str a, struct cohort_str b)
{
    return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

static void
print_value(FILE *out, const struct counter *counter)
{
    fprintf(out, "%.*s", (int)counter->name.size, counter->name.data);
    if (counter->labels.size > 0) {
        fprintf(out, "{%.*s}", (int)counter->labels.size, counter->labels.data);
    }
    fprintf(out, " %" PRIu64 "\n", counter->part->value);
}

/* A bucket holds what fell into it alone, but is shown with all below it; the
   row without labels is the sum, in microseconds. */
static void
print_histogram(FILE *out, const struct counter *counter, uint64_t *below)
{
    int size = (int)counter->name.size;
    const char *name = counter->name.data;

    if (counter->labels.size > 0) {
        *below += counter->part->value;
        fprintf(
            out, "%.*s_bucket{%.*s} %" PRIu64 "\n", size, name,
            (int)counter->labels.size, counter->labels.data, *below);
    } else {
        fprintf(
            out,
            "%.*s_sum %" PRIu64 ".%06u\n"
            "%.*s_count %" PRIu64 "\n",
            size, name, counter->part->value / 1000000,
            (unsigned)(counter->part->value % 1000000), size, name, *below);
    }
}

static const char *
type_of(const struct counter *counter)
{
    static const char *const types[] = {
        [COHORT_COUNTER] = "counter",
        [COHORT_GAUGE] = "gauge",
        [COHORT_HISTOGRAM] = "histogram",
    };

    return types[counter->part->kind];
}

/* The head of a name and all its values: they must stand together. */
static void
print_family(
    FILE *out, const struct coh_answer_part *part, const struct counter *first)
{
    struct counter counter;
    uint64_t below = 0;

    fprintf(
        out, "# HELP %.*s %.*s\n# TYPE %.*s %s\n", (int)first->name.size,
        first->name.data, (int)first->help.size, first->help.data,
        (int)first->name.size, first->name.data, type_of(first));
    for (; part; part = STAILQ_NEXT(part, link)) {
        if (!read_counter(part, &counter) ||
            !is_same(counter.name, first->name)) {
            continue;
        }
        if (counter.part->kind == COHORT_HISTOGRAM) {
            print_histogram(out, &counter, &below);
        } else {
            print_value(out, &counter);
        }
    }
}

static bool
is_first_of_name(
    const struct coh_answer *answer, const struct coh_answer_part *part,
    const struct counter *counter)
{
    const struct coh_answer_part *other;
    struct counter before;

    STAILQ_FOREACH (other, &answer->parts, link) {
        if (other == part) {
            return true;
        }
        if (read_counter(other, &before) &&
            is_same(before.name, counter->name)) {
            return false;
        }
    }
    return false;
}

static void
print_counters(FILE *out, const struct coh_answer *answer)
{
    const struct coh_answer_part *part;
    struct counter counter;

    STAILQ_FOREACH (part, &answer->parts, link) {
        if (read_counter(part, &counter) &&
            is_first_of_name(answer, part, &counter)) {
            print_family(out, part, &counter);
        }
    }
}

/* --- the server ----------------------------------------------------------- */

static void
print_head(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
print_gauge(FILE *out, const char *name, const char *help, uint64_t value)
{
    print_head(out, name, "gauge", help);
    fprintf(out, "%s %" PRIu64 "\n", name, value);
}

static void
print_status(FILE *out, const struct coh_part_status *status)
{
    print_head(out, "cohort_info", "gauge", "What serves; always 1.");
    fprintf(out, "cohort_info{version=\"%s\"} 1\n", cohort_version());
    print_head(
        out, "cohort_start_time_seconds", "gauge",
        "When the primary was started, in seconds since 1970.");
    fprintf(
        out, "cohort_start_time_seconds %" PRIu64 ".%03u\n",
        status->start_ms / 1000, (unsigned)(status->start_ms % 1000));
    print_gauge(
        out, "cohort_generation", "The generation that serves.",
        status->generation);
}

/* --- groups --------------------------------------------------------------- */

static void
print_target(FILE *out, const struct coh_part_group *group)
{
    fprintf(
        out, "cohort_workers_target{group=\"%s\"} %" PRIu32 "\n", group->name,
        group->target);
}

static void
print_counts(FILE *out, const struct coh_part_group *group)
{
    static const char *const states[] = {
        "starting", "ready", "serving", "draining"};

    for (size_t i = 0; i < 4; i++) {
        fprintf(
            out, "cohort_workers{group=\"%s\",state=\"%s\"} %" PRIu32 "\n",
            group->name, states[i], group->counts[i]);
    }
}

static void
print_each_group(
    FILE *out, const struct coh_answer *answer,
    void (*print)(FILE *out, const struct coh_part_group *group))
{
    const struct coh_answer_part *part;

    STAILQ_FOREACH (part, &answer->parts, link) {
        if (part->head->kind == COH_PART_GROUP) {
            print(out, (const void *)part->head);
        }
    }
}

static void
print_groups(FILE *out, const struct coh_answer *answer)
{
    print_head(
        out, "cohort_workers_target", "gauge",
        "How many workers there should be.");
    print_each_group(out, answer, print_target);
    print_head(out, "cohort_workers", "gauge", "Workers by their state.");
    print_each_group(out, answer, print_counts);
}

/* --- each worker ---------------------------------------------------------- */

/* Programs do not tell everything. */
static void
print_known(
    FILE *out, const char *name, const struct coh_part_worker *worker,
    uint64_t number)
{
    if (number != COH_ADMIN_UNKNOWN) {
        fprintf(
            out, "%s{worker=\"%" PRIu64 "\",group=\"%s\"} %" PRIu64 "\n", name,
            worker->id, worker->group, number);
    }
}

static void
print_connections(FILE *out, const struct coh_part_worker *worker)
{
    print_known(out, "cohort_worker_connections", worker, worker->connections);
}

static void
print_requests(FILE *out, const struct coh_part_worker *worker)
{
    print_known(out, "cohort_worker_requests_total", worker, worker->requests);
}

static void
print_ms(
    FILE *out, const char *name, const struct coh_part_worker *worker,
    uint64_t ms)
{
    fprintf(
        out, "%s{worker=\"%" PRIu64 "\",group=\"%s\"} %" PRIu64 ".%03u\n", name,
        worker->id, worker->group, ms / 1000, (unsigned)(ms % 1000));
}

static void
print_cpu(FILE *out, const struct coh_part_worker *worker)
{
    struct coh_process_usage usage;

    if (coh_process_usage(worker->pid, &usage) == 0) {
        print_ms(out, "cohort_worker_cpu_seconds_total", worker, usage.cpu_ms);
    }
}

static void
print_memory(FILE *out, const struct coh_part_worker *worker)
{
    struct coh_process_usage usage;

    if (coh_process_usage(worker->pid, &usage) == 0) {
        print_known(
            out, "cohort_worker_resident_memory_bytes", worker, usage.rss);
    }
}

static void
print_lag(FILE *out, const struct coh_part_worker *worker)
{
    if (worker->lag_ms != COH_ADMIN_UNKNOWN) {
        print_ms(out, "cohort_worker_loop_lag_seconds", worker, worker->lag_ms);
    }
}

static const struct {
    const char *name;
    const char *type;
    const char *help;
    void (*print)(FILE *out, const struct coh_part_worker *worker);
} columns[] = {
    {"cohort_worker_connections", "gauge",
     "Open client connections of a living worker.", print_connections},
    {"cohort_worker_requests_total", "counter", "Requests of a living worker.",
     print_requests},
    {"cohort_worker_cpu_seconds_total", "counter",
     "Processor time of a living worker.", print_cpu},
    {"cohort_worker_resident_memory_bytes", "gauge",
     "Memory of a living worker.", print_memory},
    {"cohort_worker_loop_lag_seconds", "gauge",
     "How late the event loop of a living worker was, at most, in the last ten "
     "seconds.",
     print_lag},
};

static void
print_column(FILE *out, const struct coh_answer *answer, size_t column)
{
    const struct coh_answer_part *part;

    print_head(
        out, columns[column].name, columns[column].type, columns[column].help);
    STAILQ_FOREACH (part, &answer->parts, link) {
        const struct coh_part_workers *workers = (const void *)part->head;

        if (part->head->kind != COH_PART_WORKERS) {
            continue;
        }
        for (uint32_t i = 0; i < workers->head.count; i++) {
            columns[column].print(out, &workers->workers[i]);
        }
    }
}

/* --- the whole ------------------------------------------------------------ */

static void
print_all(FILE *out, const struct coh_answer *answer)
{
    const struct coh_part_status *status =
        coh_answer_find(answer, COH_PART_STATUS, sizeof(*status));

    if (status) {
        print_status(out, status);
        print_groups(out, answer);
    }
    print_counters(out, answer);
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        print_column(out, answer, i);
    }
}

static int
answer_metrics(struct cohort_request *request, const struct coh_answer *answer)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out;
    int verdict = 500;

    if (answer->outcome.result < 0) {
        return coh_answer_refuse(request, answer);
    }
    out = open_memstream(&text, &size);
    if (out) {
        print_all(out, answer);
        fclose(out);
        verdict = cohort_respond(request, 200, METRICS_TYPE, text, size);
        free(text);
    }
    return verdict;
}

int
coh_metrics_get(struct coh_admin *admin, struct cohort_request *request)
{
    static const enum coh_ask_verb verbs[] = {
        COH_ASK_STATUS, COH_ASK_COUNTERS, COH_ASK_WORKERS};

    return coh_question_ask_all(admin, request, verbs, 3, answer_metrics);
}
