/* Texts with variables: cut into parts at load, put together for a request. */
#include "http/template_text.h"

#include <string.h>

#include "core/str.h"
#include "http/request.h"

/* More parts than these are put together in two rounds of evaluation. */
#define PARTS_AT_ONCE 32

/* --- at load -------------------------------------------------------------- */

static bool
is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
        (c >= '0' && c <= '9') || c == '_';
}

/* The name behind a "$"; *rest moves behind it. -EINVAL if there is none. */
static int
cut_name(struct cohort_str *rest, struct cohort_str *name)
{
    bool is_braced = rest->size > 0 && rest->data[0] == '{';
    size_t start = is_braced;
    size_t end = start;

    while (end < rest->size && is_name_char(rest->data[end])) {
        end++;
    }
    *name = coh_str_cut(*rest, start, end - start);
    if (end == start ||
        (is_braced && (end == rest->size || rest->data[end] != '}'))) {
        return -1;
    }
    *rest = coh_str_from(*rest, end + is_braced);
    return 0;
}

static void
add_part(
    struct cohort_conf *conf, struct cohort_text *text,
    struct cohort_str constant, const struct coh_variable_use *use)
{
    struct coh_text_part *part;

    if (!use && constant.size == 0) {
        return;
    }
    part = cohort_conf_append(
        conf, (void **)&text->parts, &text->part_count, sizeof(*part));
    part->constant = constant;
    part->use = use;
    text->is_constant = text->is_constant && !use;
}

static int
add_variable(
    struct cohort_conf *conf, struct cohort_text *text, struct cohort_str *rest)
{
    const struct coh_variable_use *use;
    struct cohort_str name;

    if (cut_name(rest, &name) < 0) {
        return cohort_conf_error(
            conf,
            "invalid variable name\nwrite $name or ${name}; a \"$\" of its "
            "own cannot be written");
    }
    use = coh_variable_use(conf, name);
    if (!use) {
        return cohort_conf_error(
            conf, "unknown \"%.*s\" variable", (int)name.size, name.data);
    }
    add_part(conf, text, COH_STR(""), use);
    return 0;
}

const struct cohort_text *
cohort_conf_text(struct cohort_conf *conf, struct cohort_str source)
{
    struct cohort_text *text = cohort_conf_alloc(conf, sizeof(*text));
    struct cohort_str rest = source;
    char *copy = cohort_conf_alloc(conf, source.size + 1);

    text->is_constant = true;
    memcpy(copy, source.data, source.size);
    text->constant = cohort_str_n(copy, source.size);
    while (rest.size > 0) {
        ssize_t dollar = coh_str_index(rest, '$');

        if (dollar < 0) {
            add_part(conf, text, rest, NULL);
            break;
        }
        add_part(conf, text, coh_str_cut(rest, 0, (size_t)dollar), NULL);
        rest = coh_str_from(rest, (size_t)dollar + 1);
        if (add_variable(conf, text, &rest) < 0) {
            break;
        }
    }
    return text;
}

bool
cohort_text_is_constant(const struct cohort_text *text)
{
    return text->is_constant;
}

/* --- for a request -------------------------------------------------------- */

static struct cohort_str
part_value(const struct coh_text_part *part, struct cohort_request *request)
{
    struct cohort_str value = part->constant;

    if (part->use) {
        (void)coh_variable_value(part->use, request, &value);
    }
    return value;
}

/* The values of some parts behind what is there already. */
static struct cohort_str
append(
    struct cohort_request *request, struct cohort_str before,
    const struct coh_text_part *parts, size_t count)
{
    struct cohort_str values[PARTS_AT_ONCE];
    size_t size = before.size;
    size_t i;
    char *joined;
    char *end;

    for (i = 0; i < count; i++) {
        values[i] = part_value(&parts[i], request);
        size += values[i].size;
    }
    joined = cohort_request_alloc(request, size + 1);
    end = joined;
    if (before.size > 0) {
        memcpy(end, before.data, before.size);
        end += before.size;
    }
    for (i = 0; i < count; i++) {
        if (values[i].size > 0) {
            memcpy(end, values[i].data, values[i].size);
            end += values[i].size;
        }
    }
    return cohort_str_n(joined, size);
}

struct cohort_str
cohort_text_value(
    const struct cohort_text *text, struct cohort_request *request)
{
    struct cohort_str value = {"", 0};
    size_t at;

    if (text->is_constant) {
        return text->constant;
    }
    for (at = 0; at < text->part_count; at += PARTS_AT_ONCE) {
        size_t left = text->part_count - at;

        value = append(
            request, value, text->parts + at,
            left < PARTS_AT_ONCE ? left : PARTS_AT_ONCE);
    }
    return value;
}
