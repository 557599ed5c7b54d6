/* error_page: what clients see of an error. */
#include "http/modules/error_page.h"

#include <errno.h>
#include <string.h>

#include <cohort/module/phase.h>
#include <cohort/module/variable.h>

/* What the response's status is. */
#define KEEP_STATUS (-1) /* that of the error */
#define OWN_STATUS 0     /* "=": that of the page */

struct page {
    int status;    /* of the error */
    int overwrite; /* KEEP_STATUS, OWN_STATUS, or a status */
    const struct cohort_text *target;
};

struct pages {
    struct page *items;
    size_t count;
};

struct settings {
    struct pages pages;
    bool is_recursive;
};

/* --- serving -------------------------------------------------------------- */

static bool
is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 ||
        status == 308;
}

/* What follows "?" in target, which is cut there. */
static struct cohort_str
cut_args(struct cohort_str *target)
{
    const char *mark = memchr(target->data, '?', target->size);
    struct cohort_str args = {"", 0};

    if (mark) {
        size_t size = (size_t)(mark - target->data);

        args = cohort_str_n(mark + 1, target->size - size - 1);
        target->size = size;
    }
    return args;
}

static int
show(struct cohort_request *request, const struct page *page, int status)
{
    struct cohort_str target = cohort_text_value(page->target, request);
    int kept = page->overwrite == KEEP_STATUS ? status : page->overwrite;
    struct cohort_str args;

    if (target.size > 0 && target.data[0] == '@') {
        return cohort_redirect_error(request, target, NULL, kept);
    }
    if (target.size == 0 || target.data[0] != '/') {
        return cohort_redirect(
            request, is_redirect(page->overwrite) ? page->overwrite : 302,
            target);
    }
    args = cut_args(&target);
    return cohort_redirect_error(request, target, &args, kept);
}

static int
run(struct cohort_request *request, const void *data, int status)
{
    const struct settings *settings = data;
    size_t i;

    if (cohort_request_is_error_page(request) && !settings->is_recursive) {
        return COHORT_PASS;
    }
    for (i = 0; i < settings->pages.count; i++) {
        if (settings->pages.items[i].status == status) {
            return show(request, &settings->pages.items[i], status);
        }
    }
    return COHORT_PASS;
}

static bool
is_wanted(const void *settings)
{
    return ((const struct settings *)settings)->pages.count > 0;
}

/* --- directives ----------------------------------------------------------- */

/* "=200" or "=" before the target; -EINVAL after it was told. */
static int
read_overwrite(struct cohort_conf *conf, size_t arg, int *overwrite)
{
    struct cohort_str word = cohort_conf_arg(conf, arg);
    uint64_t status = OWN_STATUS;

    if (word.size > 1 &&
        (cohort_parse_number(
             cohort_str_n(word.data + 1, word.size - 1), 599, &status) < 0 ||
         status < 200)) {
        return cohort_conf_error_at(
            conf, arg, "invalid value \"%s\"\nwrite = or =200 before the page",
            word.data);
    }
    *overwrite = (int)status;
    return 0;
}

static int
add_page(
    struct cohort_conf *conf, struct pages *pages, size_t arg, int overwrite,
    const struct cohort_text *target)
{
    struct cohort_str word = cohort_conf_arg(conf, arg);
    struct page *page;
    uint64_t status;

    if (cohort_parse_number(word, 599, &status) < 0 || status < 300) {
        return cohort_conf_error_at(
            conf, arg,
            "invalid value \"%s\"\nvalue must be between 300 and 599",
            word.data);
    }
    page = cohort_conf_append(
        conf, (void **)&pages->items, &pages->count, sizeof(*page));
    page->status = (int)status;
    page->overwrite = overwrite;
    page->target = target;
    return 0;
}

static int
set_error_page(struct cohort_conf *conf, void *settings)
{
    struct pages *pages = &((struct settings *)settings)->pages;
    size_t count = cohort_conf_arg_count(conf);
    size_t statuses = count - 1;
    const struct cohort_text *target;
    int overwrite = KEEP_STATUS;
    int result = 0;
    size_t i;

    if (cohort_conf_arg(conf, count - 2).data[0] == '=') {
        statuses = count - 2;
        result = read_overwrite(conf, statuses, &overwrite);
    }
    if (statuses == 0) {
        return cohort_conf_error(
            conf, "no status before the page\nwrite error_page 404 /404.html");
    }
    target = cohort_conf_text(conf, cohort_conf_arg(conf, count - 1));
    for (i = 0; i < statuses; i++) {
        if (add_page(conf, pages, i, overwrite, target) < 0) {
            result = -EINVAL; /* tell of the others, too */
        }
    }
    return result;
}

static const struct cohort_directive directives[] = {
    {
        .name = "error_page",
        .usage = "code ... [=[response]] uri",
        .help = "What clients get instead of the built-in page of a status: "
                "a path, a named location, or a redirect to a URL.",
        .where = COHORT_IN_HTTP | COHORT_IN_SERVER | COHORT_IN_LOCATION,
        .args = {2, COHORT_ARGS_ANY},
        .kind = COHORT_KIND_ARRAY,
        .read_at = COHORT_READ_LOCATION,
        .field = COHORT_FIELD(struct settings, pages),
        .set = set_error_page,
    },
    {
        .name = "recursive_error_pages",
        .usage = "on | off",
        .help = "Let the error of an error's page have a page, too.",
        .default_value = "off",
        .where = COHORT_IN_HTTP | COHORT_IN_SERVER | COHORT_IN_LOCATION,
        .args = {1, 1},
        .read_at = COHORT_READ_LOCATION,
        .field = COHORT_FIELD(struct settings, is_recursive),
        .set = cohort_conf_set_flag,
    },
    {.name = NULL},
};

static const struct cohort_status_hook status_hook = {run, is_wanted};

static const struct cohort_http_module http_module = {
    .status_hook = &status_hook,
};

struct cohort_module coh_error_page_module = {
    .api = COHORT_MODULE_API,
    .name = "error_page",
    .directives = directives,
    .settings_size = sizeof(struct settings),
    .settings_in = COHORT_IN_HTTP,
    .hooks = &http_module,
};
