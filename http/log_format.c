/* log_format: lines put together from the parts of a text. */
#include "http/log_format.h"

#include <string.h>

#include "core/str.h"
#include "http/log_sink.h"
#include "http/registry.h"
#include "http/template_text.h"

static const struct coh_log_format combined = {
    .name = {"combined", 8},
};

const struct coh_log_format *
coh_log_format_find(struct cohort_conf *conf, struct cohort_str name)
{
    const struct coh_http_block *block =
        cohort_conf_object(conf, COHORT_IN_HTTP);
    const struct coh_log_format *format = block->formats;

    while (format && !coh_str_equal(format->name, name)) {
        format = format->next;
    }
    return format || !coh_str_equal(name, combined.name) ? format : &combined;
}

/* --- the directive -------------------------------------------------------- */

static int
read_escape(struct cohort_conf *conf, struct coh_log_format *format)
{
    if (cohort_conf_arg_is(conf, 1, "escape=default")) {
        format->escape = COH_LOG_ESCAPE_DEFAULT;
    } else if (cohort_conf_arg_is(conf, 1, "escape=json")) {
        format->escape = COH_LOG_ESCAPE_JSON;
    } else if (cohort_conf_arg_is(conf, 1, "escape=none")) {
        format->escape = COH_LOG_ESCAPE_NONE;
    } else {
        return cohort_conf_error_at(
            conf, 1,
            "unknown log format escaping \"%s\"\nwrite escape=default, "
            "escape=json or escape=none",
            coh_str_from(cohort_conf_arg(conf, 1), 7).data);
    }
    return 0;
}

/* Arguments from first on, one behind the other. */
static struct cohort_str
join_arguments(struct cohort_conf *conf, size_t first)
{
    size_t count = cohort_conf_arg_count(conf);
    size_t size = 0;
    char *joined;
    char *end;
    size_t i;

    for (i = first; i < count; i++) {
        size += cohort_conf_arg(conf, i).size;
    }
    joined = cohort_conf_alloc(conf, size + 1);
    end = joined;
    for (i = first; i < count; i++) {
        struct cohort_str part = cohort_conf_arg(conf, i);

        end = mempcpy(end, part.data, part.size);
    }
    return cohort_str_n(joined, size);
}

static int
set_log_format(struct cohort_conf *conf, void *settings)
{
    struct coh_http_block *block = cohort_conf_object(conf, COHORT_IN_HTTP);
    struct cohort_str name = cohort_conf_arg(conf, 0);
    struct coh_log_format *format = cohort_conf_alloc(conf, sizeof(*format));
    size_t first = 1;

    (void)settings;
    if (coh_log_format_find(conf, name)) {
        return cohort_conf_error_at(
            conf, 0, "duplicate \"log_format\" name \"%s\"", name.data);
    }
    if (coh_str_starts_with(cohort_conf_arg(conf, 1), COH_STR("escape="))) {
        int result = read_escape(conf, format);

        if (result < 0) {
            return result;
        }
        first = 2;
    }
    format->name = name;
    format->text = cohort_conf_text(conf, join_arguments(conf, first));
    format->next = block->formats;
    block->formats = format;
    return 0;
}

/* --- lines ---------------------------------------------------------------- */

/* Write a value so that at most room bytes are used. */
static char *
write_value(
    char *out, size_t room, struct cohort_str value, enum coh_log_escape escape)
{
    switch (escape) {
    case COH_LOG_ESCAPE_JSON:
        if (value.size > room / COH_LOG_ESCAPE_JSON_MAX) {
            value.size = room / COH_LOG_ESCAPE_JSON_MAX;
        }
        return coh_log_escape_json(out, value);
    case COH_LOG_ESCAPE_NONE:
        return mempcpy(out, value.data, value.size < room ? value.size : room);
    default:
        if (value.size > room / COH_LOG_ESCAPE_DEFAULT_MAX) {
            value.size = room / COH_LOG_ESCAPE_DEFAULT_MAX;
        }
        return room > 0 ? coh_log_escape_default(out, value) : out;
    }
}

size_t
coh_log_format_write(
    const struct coh_log_format *format, struct cohort_request *request,
    char *out)
{
    const struct cohort_text *text = format->text;
    const char *last = out + COH_LOG_SINK_LINE_MAX - 1;
    char *end = out;
    size_t i;

    if (!text) {
        return coh_log_combined_write(request, out);
    }
    for (i = 0; i < text->part_count; i++) {
        const struct coh_text_part *part = &text->parts[i];
        size_t room = (size_t)(last - end);
        struct cohort_str value = part->constant;

        if (part->use) {
            (void)coh_variable_value(part->use, request, &value);
            end = write_value(end, room, value, format->escape);
        } else {
            end = write_value(end, room, value, COH_LOG_ESCAPE_NONE);
        }
    }
    *end = '\n';
    return (size_t)(end - out) + 1;
}

static const struct cohort_directive directives[] = {
    {
        .name = "log_format",
        .usage = "name [escape=default|json|none] string ...",
        .help = "A form of access log lines; the strings follow one another.",
        .default_value = "combined \"...\"",
        .where = COHORT_IN_HTTP,
        .args = {2, COHORT_ARGS_ANY},
        .kind = COHORT_KIND_ADD,
        .read_at = COHORT_READ_LOAD,
        .set = set_log_format,
    },
    {.name = NULL},
};

struct cohort_module coh_log_format_module = {
    .api = COHORT_MODULE_API,
    .name = "log_format",
    .directives = directives,
    .settings_in = COHORT_IN_HTTP,
};
