/* Ready-made set() functions: one argument, read into the row's field. */
#include <cohort/conf.h>

#include <errno.h>
#include <inttypes.h>

#include "conf/scope.h"
#include "core/check.h"
#include "core/str.h"

/* The field, which must have the size of the type that is stored there. */
static void *
field_of(const struct cohort_conf *conf, void *settings, size_t size)
{
    const struct cohort_conf_field *field = &conf->entry->row->field;

    COH_CHECK(settings != NULL && field->size == size);
    return (char *)settings + field->offset;
}

static const char *
shown_argument(struct cohort_conf *conf)
{
    return coh_conf_report_word(conf->arena, cohort_conf_arg(conf, 0));
}

int
cohort_conf_set_flag(struct cohort_conf *conf, void *settings)
{
    bool *field = field_of(conf, settings, sizeof(*field));

    if (cohort_parse_flag(cohort_conf_arg(conf, 0), field) < 0) {
        return cohort_conf_error_at(
            conf, 0,
            "invalid value \"%s\" in \"%s\" directive, it must be \"on\" or "
            "\"off\"",
            shown_argument(conf), conf->entry->row->name);
    }
    return 0;
}

/* A value that is no number of its kind. form: what one looks like. */
static int
tell_malformed(
    struct cohort_conf *conf, int result, const char *what, const char *form)
{
    const char *name = conf->entry->row->name;

    if (result == -ERANGE) {
        return cohort_conf_error_at(
            conf, 0, "\"%s\" directive invalid %s\n\"%s\" is too large", name,
            what, shown_argument(conf));
    }
    return cohort_conf_error_at(
        conf, 0, "\"%s\" directive invalid %s\n\"%s\" is not %s", name, what,
        shown_argument(conf), form);
}

/* What fits into the row's field. */
static uint64_t
field_max(const struct cohort_directive *row)
{
    return row->field.size == sizeof(uint32_t) ? UINT32_MAX : UINT64_MAX;
}

static int
check_limits(struct cohort_conf *conf, uint64_t value, const char *unit)
{
    const struct cohort_directive *row = conf->entry->row;

    if (value > field_max(row)) {
        return tell_malformed(conf, -ERANGE, "value", NULL);
    }
    if (row->limit_max > 0 &&
        (value < row->limit_min || value > row->limit_max)) {
        return cohort_conf_error_at(
            conf, 0,
            "\"%s\" directive value must be between %" PRIu64 " and %" PRIu64
            "%s",
            row->name, row->limit_min, row->limit_max, unit);
    }
    if (value < row->limit_min) {
        return cohort_conf_error_at(
            conf, 0,
            "\"%s\" directive value must be equal to or greater than %" PRIu64
            "%s",
            row->name, row->limit_min, unit);
    }
    return 0;
}

/* Limits first, then the field changes. unit: of the limits, as told. */
static int
store(
    struct cohort_conf *conf, void *settings, uint64_t value, const char *unit)
{
    int result = check_limits(conf, value, unit);

    if (result < 0) {
        return result;
    }
    if (conf->entry->row->field.size == sizeof(uint32_t)) {
        *(uint32_t *)field_of(conf, settings, sizeof(uint32_t)) =
            (uint32_t)value;
    } else {
        *(uint64_t *)field_of(conf, settings, sizeof(uint64_t)) = value;
    }
    return 0;
}

int
cohort_conf_set_number(struct cohort_conf *conf, void *settings)
{
    uint64_t value;
    int result =
        cohort_parse_number(cohort_conf_arg(conf, 0), UINT64_MAX, &value);

    if (result < 0) {
        return tell_malformed(conf, result, "number", "a decimal number");
    }
    return store(conf, settings, value, "");
}

int
cohort_conf_set_size(struct cohort_conf *conf, void *settings)
{
    uint64_t bytes;
    int result = cohort_parse_size(cohort_conf_arg(conf, 0), true, &bytes);

    if (result < 0) {
        return tell_malformed(
            conf, result, "value", "a size: digits, then k, m or g, as in 8k");
    }
    return store(conf, settings, bytes, " bytes");
}

int
cohort_conf_set_time_ms(struct cohort_conf *conf, void *settings)
{
    uint64_t ms;
    int result = cohort_parse_time_ms(cohort_conf_arg(conf, 0), &ms);

    if (result < 0) {
        return tell_malformed(
            conf, result, "value",
            "a time: digits, then ms, s, m, h, d, w, M or y, as in 1h30m");
    }
    return store(conf, settings, ms, "ms");
}

int
cohort_conf_set_str(struct cohort_conf *conf, void *settings)
{
    struct cohort_str *field = field_of(conf, settings, sizeof(*field));

    *field = cohort_conf_arg(conf, 0);
    return 0;
}

int
cohort_conf_set_path(struct cohort_conf *conf, void *settings)
{
    struct cohort_str *field = field_of(conf, settings, sizeof(*field));

    *field = cohort_conf_prefix_path(conf, cohort_conf_arg(conf, 0));
    return 0;
}

/* "on, off or auto" */
static const char *
join_choices(struct cohort_conf *conf, const struct cohort_conf_choice *choices)
{
    const char *names = "";

    for (const struct cohort_conf_choice *c = choices; c->name != NULL; c++) {
        const char *comma = c == choices ? ""
            : c[1].name == NULL          ? " or "
                                         : ", ";

        names =
            coh_arena_printf(conf->arena, "%s%s\"%s\"", names, comma, c->name);
    }
    return names;
}

int
cohort_conf_set_choice(struct cohort_conf *conf, void *settings)
{
    const struct cohort_conf_choice *choices = conf->entry->row->choices;
    int *field = field_of(conf, settings, sizeof(*field));

    for (const struct cohort_conf_choice *c = choices; c->name != NULL; c++) {
        if (coh_str_is_nocase(cohort_conf_arg(conf, 0), c->name)) {
            *field = c->value;
            return 0;
        }
    }
    return cohort_conf_error_at(
        conf, 0, "invalid value \"%s\" in \"%s\" directive\nit must be %s",
        shown_argument(conf), conf->entry->row->name,
        join_choices(conf, choices));
}

int
cohort_conf_set_nothing(struct cohort_conf *conf, void *settings)
{
    (void)conf;
    (void)settings;
    return 0;
}
