/* return: end a request with a status, a text or a redirect. */
#include "http/modules/return.h"

#include <errno.h>
#include <string.h>

#include <cohort/module/phase.h>
#include <cohort/module/variable.h>

struct returned {
    int status; /* 0: no return here */
    /* What comes with it: a URL for redirects, else a body; NULL: nothing. */
    const struct cohort_text *text;
};

struct settings {
    struct returned returned;
};

static bool
is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 ||
        status == 308;
}

/* Without a text its body is empty, not a page: health checks ask for it. */
static bool
is_success(int status)
{
    return status >= 200 && status < 300 && status != 204;
}

/* --- serving -------------------------------------------------------------- */

static int
run(struct cohort_request *request, const void *settings)
{
    const struct returned *returned =
        &((const struct settings *)settings)->returned;
    struct cohort_str text;

    if (!returned->text) {
        return returned->status;
    }
    text = cohort_text_value(returned->text, request);
    if (is_redirect(returned->status)) {
        return cohort_redirect(request, returned->status, text);
    }
    return cohort_respond(
        request, returned->status, NULL, text.data, text.size);
}

static bool
is_wanted(const void *settings)
{
    return ((const struct settings *)settings)->returned.status != 0;
}

/* A body without variables, that no error_page can replace. */
static bool
is_constant(const void *settings, struct cohort_constant *answer)
{
    const struct returned *returned =
        &((const struct settings *)settings)->returned;

    if (returned->status == 0 || !returned->text ||
        is_redirect(returned->status) ||
        !cohort_text_is_constant(returned->text)) {
        return false;
    }
    answer->status = returned->status;
    answer->body = cohort_text_value(returned->text, NULL);
    return true;
}

/* --- the directive -------------------------------------------------------- */

static bool
is_url(struct cohort_str text)
{
    static const char *const starts[] = {"http://", "https://", "$scheme"};
    size_t i;

    for (i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        if (strncmp(text.data, starts[i], strlen(starts[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* "return URL" is 302. */
static int
read_status(struct cohort_conf *conf, int *status)
{
    struct cohort_str word = cohort_conf_arg(conf, 0);
    uint64_t number;

    if (cohort_parse_number(word, 999, &number) == 0) {
        *status = (int)number;
        return 0;
    }
    if (cohort_conf_arg_count(conf) > 1 || !is_url(word)) {
        return cohort_conf_error_at(
            conf, 0,
            "invalid return code \"%s\"\nwrite a status of at most 999 and "
            "perhaps a text, or a URL",
            word.data);
    }
    *status = 302;
    return 0;
}

static int
set_return(struct cohort_conf *conf, void *settings)
{
    struct returned *returned = &((struct settings *)settings)->returned;
    size_t count = cohort_conf_arg_count(conf);
    struct cohort_str first = cohort_conf_arg(conf, 0);
    int status = 0;

    /* Of several, the first ends the request. */
    if (returned->status != 0) {
        return 0;
    }
    if (read_status(conf, &status) < 0) {
        return -EINVAL;
    }
    if (status < 200) {
        return cohort_conf_error_at(
            conf, 0,
            "return code %d does not end a request\nwrite one from 200 on",
            status);
    }
    returned->status = status;
    if (count > 1 && status != 204 && status != 304 && status != 444) {
        returned->text = cohort_conf_text(conf, cohort_conf_arg(conf, 1));
    } else if (is_url(first)) {
        returned->text = cohort_conf_text(conf, first);
    } else if (is_success(status)) {
        returned->text = cohort_conf_text(conf, cohort_str(""));
    }
    return 0;
}

static const struct cohort_directive directives[] = {
    {
        .name = "return",
        .usage = "code [text | url] | url",
        .help = "End the request with a status, a text or a redirect.",
        .where = COHORT_IN_SERVER | COHORT_IN_LOCATION,
        .args = {1, 2},
        .kind = COHORT_KIND_ADD,
        .inherit = COHORT_INHERIT_NEVER,
        .read_at = COHORT_READ_LOCATION,
        .field = COHORT_FIELD(struct settings, returned),
        .set = set_return,
    },
    {.name = NULL},
};

/* In a server it ends requests before their location is looked for. */
static const struct cohort_phase_hook hooks[] = {
    {COHORT_PHASE_SERVER_REWRITE, run, is_wanted},
    {COHORT_PHASE_REWRITE, run, is_wanted},
    {COHORT_PHASE_REWRITE, NULL, NULL},
};

static const struct cohort_http_module http_module = {
    .hooks = hooks,
    .constant = is_constant,
};

struct cohort_module coh_return_module = {
    .api = COHORT_MODULE_API,
    .name = "return",
    .directives = directives,
    .settings_size = sizeof(struct settings),
    .settings_in = COHORT_IN_HTTP,
    .hooks = &http_module,
};
