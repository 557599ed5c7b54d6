/* index: the file that stands for a directory. */
#include "http/modules/index.h"

#include <errno.h>
#include <string.h>

#include <cohort/module/file.h>
#include <cohort/module/phase.h>
#include <cohort/module/variable.h>

struct names {
    const struct cohort_text **items; /* NULL: index.html */
    size_t count;
};

struct settings {
    struct names names;
};

static bool
is_served(const struct cohort_request *request)
{
    struct cohort_str method = cohort_request_method(request);

    return (method.size == 3 && memcmp(method.data, "GET", 3) == 0) ||
        (method.size == 4 && memcmp(method.data, "HEAD", 4) == 0);
}

/* The path of a file in the directory that the request's path names. */
static struct cohort_str
path_of(struct cohort_request *request, struct cohort_str name)
{
    struct cohort_str directory = cohort_request_path(request);
    char *path = cohort_request_alloc(request, directory.size + name.size + 1);

    memcpy(path, directory.data, directory.size);
    memcpy(path + directory.size, name.data, name.size);
    return cohort_str_n(path, directory.size + name.size);
}

/* By its mode, or as a link. */
static bool
is_forbidden(int kind)
{
    return kind == -EACCES || kind == -ELOOP;
}

/* Try one name; COHORT_PASS: it is not there. */
static int
try_name(struct cohort_request *request, struct cohort_str name)
{
    char file[COHORT_FILE_NAME_MAX];
    struct cohort_str path;
    int size;
    int kind;

    if (name.size == 0) {
        return COHORT_PASS;
    }
    if (name.data[0] == '/') {
        return cohort_redirect_internal(request, name, NULL);
    }
    path = path_of(request, name);
    size = cohort_file_name(request, path, file);
    if (size < 0) {
        return COHORT_PASS;
    }
    kind = cohort_file_kind(request, cohort_str_n(file, (size_t)size));
    if (kind == COHORT_FILE_REGULAR) {
        return cohort_redirect_internal(request, path, NULL);
    }
    if (kind == -EXDEV) {
        cohort_error(
            cohort_request_log(request),
            "\"%s\" is forbidden: it leads out of its root (confine)", file);
        return 403;
    }
    if (is_forbidden(kind)) {
        cohort_error(
            cohort_request_log(request), "\"%s\" is forbidden (%d: %s)", file,
            -kind, strerror(-kind));
        return 403;
    }
    return COHORT_PASS;
}

static int
run(struct cohort_request *request, const void *settings)
{
    static const struct cohort_str default_name = {"index.html", 10};
    const struct names *names = &((const struct settings *)settings)->names;
    struct cohort_str path = cohort_request_path(request);
    int verdict = COHORT_PASS;
    size_t i;

    if (path.data[path.size - 1] != '/' || !is_served(request)) {
        return COHORT_PASS;
    }
    if (names->count == 0) {
        return try_name(request, default_name);
    }
    for (i = 0; i < names->count && verdict == COHORT_PASS; i++) {
        verdict =
            try_name(request, cohort_text_value(names->items[i], request));
    }
    return verdict;
}

static int
set_index(struct cohort_conf *conf, void *settings)
{
    struct names *names = &((struct settings *)settings)->names;
    size_t count = cohort_conf_arg_count(conf);
    size_t i;

    for (i = 0; i < count; i++) {
        struct cohort_str name = cohort_conf_arg(conf, i);
        const struct cohort_text **item;

        if (name.size == 0) {
            return cohort_conf_error_at(
                conf, i, "index \"\" in \"index\" directive is invalid");
        }
        if (name.data[0] == '/' && i + 1 < count) {
            cohort_conf_warn(
                conf,
                "only the last index in \"index\" directive should be "
                "absolute\nwhat stands behind \"%s\" is never looked at",
                name.data);
        }
        item = cohort_conf_append(
            conf, (void **)&names->items, &names->count, sizeof(*item));
        *item = cohort_conf_text(conf, name);
    }
    return 0;
}

static const struct cohort_directive directives[] = {
    {
        .name = "index",
        .usage = "file ...",
        .help = "Files that stand for a directory, the first that is there; "
                "an absolute one at the end is a path of its own.",
        .default_value = "index.html",
        .where = COHORT_IN_HTTP | COHORT_IN_SERVER | COHORT_IN_LOCATION,
        .args = {1, COHORT_ARGS_ANY},
        .kind = COHORT_KIND_ARRAY,
        .read_at = COHORT_READ_LOCATION,
        .field = COHORT_FIELD(struct settings, names),
        .set = set_index,
    },
    {.name = NULL},
};

static const struct cohort_phase_hook hooks[] = {
    {COHORT_PHASE_CONTENT, run, NULL},
    {COHORT_PHASE_CONTENT, NULL, NULL},
};

static const struct cohort_http_module http_module = {
    .hooks = hooks,
};

struct cohort_module coh_index_module = {
    .api = COHORT_MODULE_API,
    .name = "index",
    .directives = directives,
    .settings_size = sizeof(struct settings),
    .settings_in = COHORT_IN_HTTP,
    .hooks = &http_module,
};
