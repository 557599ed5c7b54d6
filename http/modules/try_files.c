/* try_files: the first of several files that is there. */
#include "http/modules/try_files.h"

#include <errno.h>
#include <string.h>

#include <cohort/module/file.h>
#include <cohort/module/phase.h>
#include <cohort/module/variable.h>

struct candidate {
    const struct cohort_text *path;
    bool is_directory; /* it ended with a slash, which path has if it is "/" */
};

struct tries {
    const struct candidate *candidates;
    size_t count;
    const struct cohort_text *last; /* a path, or "@name"; NULL: a status */
    int status;
};

struct settings {
    struct tries tries;
};

/* --- serving -------------------------------------------------------------- */

static bool
is_there(
    struct cohort_request *request, struct cohort_str path, bool is_directory)
{
    char name[COHORT_FILE_NAME_MAX];
    int size = cohort_file_name(request, path, name);

    if (size < 0) {
        return false;
    }
    return cohort_file_kind(request, cohort_str_n(name, (size_t)size)) ==
        (is_directory ? COHORT_FILE_DIRECTORY : COHORT_FILE_REGULAR);
}

static int
end(struct cohort_request *request, const struct tries *tries)
{
    struct cohort_str target;
    struct cohort_str args = {"", 0};
    const char *mark;

    if (!tries->last) {
        return tries->status;
    }
    target = cohort_text_value(tries->last, request);
    if (target.size > 0 && target.data[0] == '@') {
        return cohort_redirect_internal(request, target, NULL);
    }
    mark = memchr(target.data, '?', target.size);
    if (mark) {
        size_t size = (size_t)(mark - target.data);

        args = cohort_str_n(mark + 1, target.size - size - 1);
        target.size = size;
    }
    return cohort_redirect_internal(request, target, &args);
}

static int
run(struct cohort_request *request, const void *settings)
{
    const struct tries *tries = &((const struct settings *)settings)->tries;
    size_t i;

    for (i = 0; i < tries->count; i++) {
        const struct candidate *candidate = &tries->candidates[i];
        struct cohort_str path = cohort_text_value(candidate->path, request);

        if (is_there(request, path, candidate->is_directory)) {
            /* A directory without its slash is redirected by what serves it. */
            return cohort_request_set_path(request, path);
        }
    }
    return end(request, tries);
}

static bool
is_wanted(const void *data)
{
    const struct settings *settings = data;

    return settings->tries.count > 0;
}

/* --- the directive -------------------------------------------------------- */

static int
read_last(struct cohort_conf *conf, size_t arg, struct tries *tries)
{
    struct cohort_str word = cohort_conf_arg(conf, arg);
    uint64_t status;

    if (word.size == 0 || word.data[0] != '=') {
        tries->last = cohort_conf_text(conf, word);
        return 0;
    }
    if (cohort_parse_number(
            cohort_str_n(word.data + 1, word.size - 1), 999, &status) < 0 ||
        status < 200) {
        return cohort_conf_error_at(
            conf, arg, "invalid code \"%s\"\nwrite a status behind the =: =404",
            word.data);
    }
    tries->status = (int)status;
    return 0;
}

static int
set_try_files(struct cohort_conf *conf, void *settings)
{
    struct tries *tries = &((struct settings *)settings)->tries;
    size_t count = cohort_conf_arg_count(conf) - 1;
    struct candidate *candidates =
        cohort_conf_alloc(conf, count * sizeof(*candidates));
    size_t i;

    for (i = 0; i < count; i++) {
        struct cohort_str path = cohort_conf_arg(conf, i);

        if (path.size > 0 && path.data[path.size - 1] == '/') {
            candidates[i].is_directory = true;
            path.size -= path.size > 1; /* no path is "" */
        }
        candidates[i].path = cohort_conf_text(conf, path);
    }
    tries->candidates = candidates;
    tries->count = count;
    return read_last(conf, count, tries);
}

static const struct cohort_directive directives[] = {
    {
        .name = "try_files",
        .usage = "file ... uri | =code",
        .help = "Answer with the first file (or, with a slash at its end, "
                "directory) that is there, else go to the last path, named "
                "location or status.",
        .where = COHORT_IN_SERVER | COHORT_IN_LOCATION,
        .args = {2, COHORT_ARGS_ANY},
        .inherit = COHORT_INHERIT_NEVER,
        .read_at = COHORT_READ_LOCATION,
        .field = COHORT_FIELD(struct settings, tries),
        .set = set_try_files,
    },
    {.name = NULL},
};

static const struct cohort_phase_hook hooks[] = {
    {COHORT_PHASE_PRECONTENT, run, is_wanted},
    {COHORT_PHASE_PRECONTENT, NULL, NULL},
};

static const struct cohort_http_module http_module = {
    .hooks = hooks,
};

struct cohort_module coh_try_files_module = {
    .api = COHORT_MODULE_API,
    .name = "try_files",
    .directives = directives,
    .settings_size = sizeof(struct settings),
    .settings_in = COHORT_IN_HTTP,
    .hooks = &http_module,
};
