/* Tables and sentences from JSON. */
#include "server/admin/show.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/json.h"

int64_t
coh_show_number(const struct coh_json *object, const char *name)
{
    int64_t number = 0;

    if (coh_json_get_integer(
            coh_json_member(object, name), INT64_MIN, INT64_MAX, &number) < 0) {
        return 0;
    }
    return number;
}

const char *
coh_show_text(const struct coh_json *object, const char *name)
{
    struct cohort_str text = {0};

    return coh_json_get_string(coh_json_member(object, name), &text) == 0
        ? text.data
        : "";
}

/* In UTF-8 the controls of one byte are below 0x20 and 0x7f, those of two are
   0xc2 and 0x80 to 0x9f. */
void
coh_show_clean(struct cohort_str text)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        bool is_control = byte < 0x20 || byte == 0x7f;

        if (byte == 0xc2 && i + 1 < text.size &&
            (unsigned char)text.data[i + 1] < 0xa0) {
            is_control = true;
            i++;
        }
        putchar(is_control ? '?' : byte);
    }
}

const char *
coh_show_size(uint64_t bytes, char out[16])
{
    static const char units[] = "KMGT";
    double value = (double)bytes / 1024;
    size_t unit = 0;

    while (value >= 1000 && units[unit + 1]) {
        value /= 1024;
        unit++;
    }
    snprintf(out, 16, value < 10 ? "%.1f%c" : "%.0f%c", value, units[unit]);
    return out;
}

const char *
coh_show_duration(uint64_t ms, char out[16])
{
    unsigned seconds = (unsigned)(ms / 1000);

    if (seconds < 60) {
        snprintf(out, 16, "%us", seconds);
    } else if (seconds < 3600) {
        snprintf(out, 16, "%um %02us", seconds / 60, seconds % 60);
    } else if (seconds < 86400) {
        snprintf(out, 16, "%uh %02um", seconds / 3600, seconds / 60 % 60);
    } else {
        snprintf(out, 16, "%ud %02uh", seconds / 86400, seconds / 3600 % 24);
    }
    return out;
}

/* --- status --------------------------------------------------------------- */

static bool
is_true(const struct coh_json *object, const char *name)
{
    bool value = false;

    return coh_json_get_boolean(coh_json_member(object, name), &value) == 0 &&
        value;
}

static void
show_counts(const struct coh_json *workers)
{
    if (coh_show_number(workers, "target") == 0) {
        return; /* there are worker groups alone */
    }
    printf(
        "workers      %" PRId64 " of %" PRId64 " serve",
        coh_show_number(workers, "serving"),
        coh_show_number(workers, "target"));
    if (coh_show_number(workers, "draining") > 0) {
        printf(", %" PRId64 " drain", coh_show_number(workers, "draining"));
    }
    if (coh_show_number(workers, "waiting") > 0) {
        printf(
            ", %" PRId64 " wait to be started (crash loop)",
            coh_show_number(workers, "waiting"));
    }
    printf(" (%" PRId64 " are possible)\n", coh_show_number(workers, "max"));
}

static void
show_groups(const struct coh_json *groups)
{
    for (size_t i = 0; i < coh_json_count(groups); i++) {
        const struct coh_json *group = coh_json_element(groups, i);

        if (strcmp(coh_show_text(group, "group"), "main") != 0) {
            printf(
                "group %-6s %" PRId64 " of %" PRId64 " serve: %s (%s)\n",
                coh_show_text(group, "group"),
                coh_show_number(group, "serving"),
                coh_show_number(group, "target"),
                coh_show_text(group, "program"),
                coh_show_text(group, "protocol"));
        }
    }
}

static void
show_listeners(const struct coh_json *listeners)
{
    for (size_t i = 0; i < coh_json_count(listeners); i++) {
        const struct coh_json *listener = coh_json_element(listeners, i);
        const char *group = coh_show_text(listener, "group");
        bool is_main = strcmp(group, "main") == 0;

        printf("%-12s ", i == 0 ? "listens on" : "");
        coh_show_clean(cohort_str(coh_show_text(listener, "address")));
        printf(
            " (%s%s%s)\n", coh_show_text(listener, "policy"),
            is_main ? "" : ", group ", is_main ? "" : group);
    }
}

static void
show_generations(const struct coh_json *generations)
{
    for (size_t i = 0; i < coh_json_count(generations); i++) {
        const struct coh_json *generation = coh_json_element(generations, i);

        printf(
            "%-12s %" PRId64 " %s with %" PRId64 " workers\n",
            i == 0 ? "generations" : "",
            coh_show_number(generation, "generation"),
            coh_show_text(generation, "state"),
            coh_show_number(generation, "workers"));
    }
}

static void
show_reload(const struct coh_json *reload)
{
    if (coh_json_member(reload, "verdict")) {
        printf(
            "last reload  %s at %s in %" PRId64 " ms: %s\n",
            coh_show_text(reload, "verdict"), coh_show_text(reload, "time"),
            coh_show_number(reload, "took_ms"), coh_show_text(reload, "text"));
    }
}

void
coh_show_status(const struct coh_json *status)
{
    printf(
        "cohort %s   %s, primary process %" PRId64 ", started %s\n",
        coh_show_text(status, "version"), coh_show_text(status, "state"),
        coh_show_number(status, "pid"), coh_show_text(status, "started"));
    show_counts(coh_json_member(status, "workers"));
    show_groups(coh_json_member(status, "groups"));
    show_listeners(coh_json_member(status, "listeners"));
    show_generations(coh_json_member(status, "generations"));
    show_reload(coh_json_member(status, "reload"));
    if (is_true(status, "is_paused")) {
        printf("paused       until the next reload\n");
    }
    if (coh_show_number(status, "generation") != 0 &&
        !is_true(status, "has_template")) {
        printf("no template  workers that die are not replaced: reload\n");
    }
}

/* --- workers -------------------------------------------------------------- */

/* Programs do not tell everything. */
static const char *
show_known(const struct coh_json *row, const char *name, char out[24])
{
    int64_t number;

    if (coh_json_get_integer(
            coh_json_member(row, name), 0, INT64_MAX, &number) < 0) {
        return "-";
    }
    snprintf(out, 24, "%" PRId64, number);
    return out;
}

void
coh_show_more_workers(const struct coh_json *answer)
{
    const struct coh_json *workers = coh_json_member(answer, "workers");
    char connections[24];
    char requests[24];
    char cpu[16];
    char rss[16];
    char age[16];

    for (size_t i = 0; i < coh_json_count(workers); i++) {
        const struct coh_json *row = coh_json_element(workers, i);

        printf(
            "%6" PRId64 " %8" PRId64 " %-8s %-9s %4" PRId64
            " %6s %11s %9s %6s %8s\n",
            coh_show_number(row, "id"), coh_show_number(row, "pid"),
            coh_show_text(row, "group"), coh_show_text(row, "state"),
            coh_show_number(row, "generation"),
            show_known(row, "connections", connections),
            show_known(row, "requests", requests),
            coh_show_duration((uint64_t)coh_show_number(row, "cpu_ms"), cpu),
            coh_show_size((uint64_t)coh_show_number(row, "rss_bytes"), rss),
            coh_show_duration((uint64_t)coh_show_number(row, "age_ms"), age));
    }
}

void
coh_show_workers(const struct coh_json *answer)
{
    printf(
        "%6s %8s %-8s %-9s %4s %6s %11s %9s %6s %8s\n", "WORKER", "PID",
        "GROUP", "STATE", "GEN", "CONNS", "REQUESTS", "CPU", "RSS", "AGE");
    coh_show_more_workers(answer);
}

/* --- messages ------------------------------------------------------------- */

void
coh_show_message(const struct coh_json *answer)
{
    const char *text = coh_show_text(answer, "text");

    if (text[0]) {
        printf("%s\n", text);
    }
}

void
coh_show_error(const struct coh_json *answer)
{
    const struct coh_json *errors = coh_json_member(answer, "errors");

    for (size_t i = 0; i < coh_json_count(errors); i++) {
        struct cohort_str text = {"", 0};

        coh_json_get_string(coh_json_element(errors, i), &text);
        fprintf(stderr, "cohort: [emerg] %s\n", text.data);
    }
    fprintf(stderr, "cohort: [error] %s\n", coh_show_text(answer, "error"));
}
