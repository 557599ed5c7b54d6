/* access_log: where requests are written to, and the hook that writes them. */
#include "http/access_log.h"

#include <errno.h>
#include <string.h>

#include <cohort/module/phase.h>
#include <cohort/module/variable.h>

#include "config.h"
#include "core/log.h"
#include "core/str.h"
#include "http/log_format.h"
#include "http/log_sink.h"
#include "http/registry.h"
#include "http/request.h"

#define DEFAULT_BUFFER_SIZE 65536
#define DEFAULT_FLUSH_MS 1000
#define BUFFER_MAX (16 << 20)

/* One access_log that is not off. */
struct entry {
    struct coh_log_sink *sink;
    const struct coh_log_format *format;
    const struct cohort_text *condition; /* NULL: always */
};

struct entries {
    struct entry *items;
    size_t count;
    bool is_off; /* whatever else stands in the block */
};

struct settings {
    struct entries entries;
};

/* What the parameters of one access_log say. */
struct parameters {
    uint64_t buffer_size;
    uint64_t flush_ms;
    bool is_buffered; /* buffer= or flush= was given */
    const struct cohort_text *condition;
};

/* --- serving -------------------------------------------------------------- */

static bool
is_true(const struct cohort_text *condition, struct cohort_request *request)
{
    struct cohort_str value;

    if (!condition) {
        return true;
    }
    value = cohort_text_value(condition, request);
    return value.size > 0 && !coh_str_is(value, "0");
}

static int
write_lines(struct cohort_request *request, const void *settings)
{
    const struct entries *entries =
        &((const struct settings *)settings)->entries;
    size_t i;

    for (i = 0; i < entries->count; i++) {
        const struct entry *entry = &entries->items[i];

        if (is_true(entry->condition, request)) {
            coh_log_sink_add(
                entry->sink,
                coh_log_format_write(
                    entry->format, request, coh_log_sink_line(entry->sink)));
        }
    }
    return COHORT_PASS;
}

static bool
is_wanted(const void *settings)
{
    const struct entries *entries =
        &((const struct settings *)settings)->entries;

    return entries->count > 0 && !entries->is_off;
}

/* --- the directive -------------------------------------------------------- */

static int
read_parameter(
    struct cohort_conf *conf, size_t arg, struct parameters *parameters)
{
    struct cohort_str text = cohort_conf_arg(conf, arg);

    if (coh_str_starts_with(text, COH_STR("buffer="))) {
        parameters->is_buffered = true;
        if (cohort_parse_size(
                coh_str_from(text, 7), false, &parameters->buffer_size) == 0 &&
            parameters->buffer_size > 0 &&
            parameters->buffer_size <= BUFFER_MAX) {
            return 0;
        }
        return cohort_conf_error_at(
            conf, arg,
            "invalid buffer size \"%s\"\nwrite a size of at most 16m: "
            "buffer=64k",
            text.data);
    }
    if (coh_str_starts_with(text, COH_STR("flush="))) {
        parameters->is_buffered = true;
        if (cohort_parse_time_ms(
                coh_str_from(text, 6), &parameters->flush_ms) == 0 &&
            parameters->flush_ms > 0) {
            return 0;
        }
        return cohort_conf_error_at(
            conf, arg,
            "invalid flush time \"%s\"\nwrite a time above 0: flush=1s",
            text.data);
    }
    if (coh_str_starts_with(text, COH_STR("if="))) {
        parameters->condition = cohort_conf_text(conf, coh_str_from(text, 3));
        return 0;
    }
    if (coh_str_starts_with(text, COH_STR("gzip"))) {
        return cohort_conf_error_at(
            conf, arg,
            "\"%s\" is not built into this version\nleave it out; logrotate "
            "can compress old files",
            text.data);
    }
    return cohort_conf_error_at(
        conf, arg, "invalid parameter \"%s\"\nit takes buffer=, flush= and if=",
        text.data);
}

static struct coh_log_sink *
find_sink(struct cohort_conf *conf, struct cohort_str path)
{
    struct coh_http_block *block = cohort_conf_object(conf, COHORT_IN_HTTP);
    struct coh_log_sink **place = &block->log_sinks;

    while (*place && !coh_str_equal((*place)->path, path)) {
        place = &(*place)->next;
    }
    if (!*place) {
        *place = cohort_conf_alloc(conf, sizeof(**place));
        (*place)->path = path;
        (*place)->buffer_size = DEFAULT_BUFFER_SIZE;
        (*place)->flush_ms = DEFAULT_FLUSH_MS;
    }
    return *place;
}

/* The sink of a path; all that name it share one buffer, which each of them may
   describe. NULL: after it was told that they want different ones. */
static struct coh_log_sink *
get_sink(
    struct cohort_conf *conf, struct cohort_str path,
    const struct parameters *parameters)
{
    struct coh_log_sink *sink = find_sink(conf, path);

    if (!parameters->is_buffered) {
        return sink;
    }
    if (sink->is_buffer_given &&
        (sink->buffer_size != parameters->buffer_size ||
         sink->flush_ms != parameters->flush_ms)) {
        cohort_conf_error(
            conf,
            "access_log \"%s\" already defined with conflicting parameters\n"
            "give buffer= and flush= the same values wherever it is named",
            path.data);
        return NULL;
    }
    sink->is_buffer_given = true;
    sink->buffer_size = parameters->buffer_size;
    sink->flush_ms = parameters->flush_ms;
    return sink;
}

static int
add_entry(
    struct cohort_conf *conf, struct settings *settings, struct cohort_str path,
    const struct coh_log_format *format, const struct parameters *parameters)
{
    struct coh_log_sink *sink =
        get_sink(conf, cohort_conf_prefix_path(conf, path), parameters);
    struct entry *entry;

    if (!sink) {
        return -EINVAL;
    }
    entry = cohort_conf_append(
        conf, (void **)&settings->entries.items, &settings->entries.count,
        sizeof(*entry));
    entry->sink = sink;
    entry->format = format;
    entry->condition = parameters->condition;
    return 0;
}

/* Here its line is known; who opens it knows its name alone. */
static int
check_file(struct cohort_conf *conf, const char *path)
{
    int result = coh_log_check(path);

    return result == 0 ? 0
                       : cohort_conf_error_at(
                             conf, 0,
                             "cannot write the access log %s: %s; create its "
                             "folder, or name another file",
                             path, strerror(-result));
}

static int
check_path(struct cohort_conf *conf, struct cohort_str path)
{
    if (coh_str_starts_with(path, COH_STR("syslog:"))) {
        return cohort_conf_error_at(
            conf, 0,
            "logging to syslog is not built into this version\nname a file, "
            "or /dev/stdout");
    }
    if (coh_str_index(path, '$') >= 0) {
        return cohort_conf_error_at(
            conf, 0,
            "variables in the name of a log are not built into this version\n"
            "name one file, and write the variable into its lines by "
            "log_format");
    }
    return check_file(conf, cohort_conf_prefix_path(conf, path).data);
}

static int
set_off(struct cohort_conf *conf, struct settings *settings)
{
    if (cohort_conf_arg_count(conf) > 1) {
        return cohort_conf_error_at(conf, 1, "off takes no parameters");
    }
    settings->entries.is_off = true;
    return 0;
}

static int
set_access_log(struct cohort_conf *conf, void *settings)
{
    struct cohort_str path = cohort_conf_arg(conf, 0);
    struct cohort_str name = cohort_conf_arg(conf, 1);
    struct parameters parameters = {
        .buffer_size = DEFAULT_BUFFER_SIZE,
        .flush_ms = DEFAULT_FLUSH_MS,
    };
    const struct coh_log_format *format;
    int result = 0;
    size_t i;

    if (coh_str_is(path, "off")) {
        return set_off(conf, settings);
    }
    format =
        coh_log_format_find(conf, name.size > 0 ? name : COH_STR("combined"));
    if (!format) {
        result = cohort_conf_error_at(
            conf, 1,
            "unknown log format \"%s\"\ndefine it before by log_format, or "
            "use combined",
            name.data);
    }
    /* One bad word is no reason not to tell of the others. */
    for (i = 2; i < cohort_conf_arg_count(conf); i++) {
        if (read_parameter(conf, i, &parameters) < 0) {
            result = -EINVAL;
        }
    }
    if (check_path(conf, path) < 0 || result < 0) {
        return -EINVAL;
    }
    return add_entry(conf, settings, path, format, &parameters);
}

/* Without any access_log the log is on. */
static int
finish(struct cohort_conf *conf, void *settings, const void *parent)
{
    static const struct parameters parameters = {
        .buffer_size = DEFAULT_BUFFER_SIZE,
        .flush_ms = DEFAULT_FLUSH_MS,
    };

    if (parent || cohort_conf_is_set(conf, "access_log")) {
        return 0;
    }
    return add_entry(
        conf, settings, COH_STR(COHORT_HTTP_LOG_PATH),
        coh_log_format_find(conf, COH_STR("combined")), &parameters);
}

static const struct cohort_directive directives[] = {
    {
        .name = "access_log",
        .usage = "path [format] [buffer=size] [flush=time] [if=condition] | "
                 "off",
        .help = "Where a line about each request is written. Lines are "
                "gathered for a second, or until 64k are full, in each worker.",
        .default_value = "logs/access.log combined",
        .where = COHORT_IN_HTTP | COHORT_IN_SERVER | COHORT_IN_LOCATION,
        .args = {1, COHORT_ARGS_ANY},
        .kind = COHORT_KIND_ARRAY,
        .read_at = COHORT_READ_LOCATION,
        .field = COHORT_FIELD(struct settings, entries),
        .set = set_access_log,
    },
    {.name = NULL},
};

static const struct cohort_phase_hook hooks[] = {
    {COHORT_PHASE_LOG, write_lines, is_wanted},
    {COHORT_PHASE_LOG, NULL, NULL},
};

static const struct cohort_http_module http_module = {
    .hooks = hooks,
};

struct cohort_module coh_access_log_module = {
    .api = COHORT_MODULE_API,
    .name = "access_log",
    .directives = directives,
    .settings_size = sizeof(struct settings),
    .settings_in = COHORT_IN_HTTP,
    .finish = finish,
    .hooks = &http_module,
};
