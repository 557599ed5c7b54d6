/* add_header: fields added to responses. */
#include "http/modules/headers.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include <cohort/module/phase.h>
#include <cohort/module/variable.h>

struct added {
    struct cohort_str name;
    const struct cohort_text *value;
    bool is_always;    /* with any status */
    bool is_replacing; /* a response has one of them at most */
};

struct fields {
    struct added *items;
    size_t count;
};

struct settings {
    struct fields fields;
};

static void
add(struct cohort_request *request, const struct added *field)
{
    struct cohort_str value = cohort_text_value(field->value, request);
    int result = 0;

    if (field->is_replacing) {
        result = cohort_response_replace(request, field->name, value);
    } else if (value.size > 0) {
        result = cohort_response_header(request, field->name, value);
    }
    if (result < 0) {
        cohort_warn(
            cohort_request_log(request),
            "field \"%s\" was not added to the response: %s", field->name.data,
            strerror(-result));
    }
}

static void
run(struct cohort_request *request, const void *settings, int status)
{
    const struct fields *fields = &((const struct settings *)settings)->fields;
    size_t i;

    for (i = 0; i < fields->count; i++) {
        if (fields->items[i].is_always || cohort_status_is_usual(status)) {
            add(request, &fields->items[i]);
        }
    }
}

static size_t
list_constant(
    const void *settings, int status, struct cohort_constant_field *out,
    size_t room)
{
    const struct fields *fields = &((const struct settings *)settings)->fields;
    size_t count = 0;
    size_t i;

    for (i = 0; i < fields->count; i++) {
        const struct added *field = &fields->items[i];
        struct cohort_str value;

        if (!field->is_always && !cohort_status_is_usual(status)) {
            continue;
        }
        if (field->is_replacing || !cohort_text_is_constant(field->value) ||
            count == room) {
            return room + 1;
        }
        value = cohort_text_value(field->value, NULL);
        if (value.size > 0) {
            out[count].name = field->name;
            out[count].value = value;
            count++;
        }
    }
    return count;
}

static bool
is_wanted(const void *settings)
{
    return ((const struct settings *)settings)->fields.count > 0;
}

/* --- the directive -------------------------------------------------------- */

static bool
is_replacing(struct cohort_str name)
{
    return strcasecmp(name.data, "Last-Modified") == 0 ||
        strcasecmp(name.data, "ETag") == 0 ||
        strcasecmp(name.data, "Content-Type") == 0;
}

/* What the server alone decides. */
static bool
is_ours(struct cohort_str name)
{
    static const char *const names[] = {"Connection",     "Keep-Alive",
                                        "Date",           "Server",
                                        "Content-Length", "Transfer-Encoding"};
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcasecmp(name.data, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int
check_name(struct cohort_conf *conf, struct cohort_str name)
{
    static const char token[] =
        "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

    if (name.size == 0 || strspn(name.data, token) != name.size) {
        return cohort_conf_error_at(
            conf, 0,
            "invalid header field name \"%s\"\nletters, digits and \"-\" make "
            "one",
            name.data);
    }
    if (is_ours(name)) {
        return cohort_conf_error_at(
            conf, 0,
            "field \"%s\" is the server's own and cannot be added\n"
            "keepalive_timeout, server_tokens and chunked_transfer_encoding "
            "govern what it says",
            name.data);
    }
    return 0;
}

/* Nothing that would end the line. */
static int
check_value(struct cohort_conf *conf, struct cohort_str value)
{
    if (strcspn(value.data, "\r\n") != value.size) {
        return cohort_conf_error_at(
            conf, 1, "the value of a field cannot have line breaks");
    }
    return 0;
}

static int
set_add_header(struct cohort_conf *conf, void *settings)
{
    struct fields *fields = &((struct settings *)settings)->fields;
    struct cohort_str name = cohort_conf_arg(conf, 0);
    struct added *field;

    if (check_name(conf, name) < 0 ||
        check_value(conf, cohort_conf_arg(conf, 1)) < 0) {
        return -EINVAL;
    }
    if (cohort_conf_arg_count(conf) == 3 &&
        !cohort_conf_arg_is(conf, 2, "always")) {
        return cohort_conf_error_at(
            conf, 2, "invalid parameter \"%s\"\nit takes always, or nothing",
            cohort_conf_arg(conf, 2).data);
    }
    field = cohort_conf_append(
        conf, (void **)&fields->items, &fields->count, sizeof(*field));
    field->name = name;
    field->value = cohort_conf_text(conf, cohort_conf_arg(conf, 1));
    field->is_always = cohort_conf_arg_count(conf) == 3;
    field->is_replacing = is_replacing(name);
    return 0;
}

static const struct cohort_directive directives[] = {
    {
        .name = "add_header",
        .usage = "name value [always]",
        .help = "Add a field to responses of 200, 201, 204, 206, 301 to 304, "
                "307 and 308, or to all; an empty value adds nothing.",
        .where = COHORT_IN_HTTP | COHORT_IN_SERVER | COHORT_IN_LOCATION,
        .args = {2, 3},
        .kind = COHORT_KIND_ARRAY,
        .read_at = COHORT_READ_LOCATION,
        .field = COHORT_FIELD(struct settings, fields),
        .set = set_add_header,
    },
    {.name = NULL},
};

static const struct cohort_head_filter head_filter = {
    run, is_wanted, list_constant};

static const struct cohort_http_module http_module = {
    .head_filter = &head_filter,
};

struct cohort_module coh_headers_module = {
    .api = COHORT_MODULE_API,
    .name = "headers",
    .directives = directives,
    .settings_size = sizeof(struct settings),
    .settings_in = COHORT_IN_HTTP,
    .hooks = &http_module,
};
