/* The handler that answers with files. */
#include "http/modules/static.h"

#include <errno.h>
#include <string.h>

#include <cohort/module/file.h>
#include <cohort/module/phase.h>

struct settings {
    bool log_not_found;
};

static bool
is_method(const struct cohort_request *request, const char *name)
{
    struct cohort_str method = cohort_request_method(request);

    return method.size == strlen(name) &&
        memcmp(method.data, name, method.size) == 0;
}

/* What a file that cannot be had means: for the client, and how bad it is. */
static int
status_of(int reason, enum cohort_log_level *level)
{
    *level = COHORT_LOG_ERROR;
    switch (reason) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
    case EINVAL:
        return 404;
    case EACCES:
    case EPERM:
    case ELOOP:
    case EXDEV: /* it would leave the root that it is confined to */
        return 403;
    default:
        *level = COHORT_LOG_CRIT;
        return 500;
    }
}

static int
explain(
    struct cohort_request *request, const struct settings *settings,
    struct cohort_str name, int reason)
{
    enum cohort_log_level level;
    int status = status_of(reason, &level);

    if (reason == EXDEV) {
        cohort_log_at(
            cohort_request_log(request), level,
            "open() \"%.*s\" failed: it leads out of its root (confine)",
            (int)name.size, name.data);
    } else if (status != 404 || settings->log_not_found) {
        cohort_log_at(
            cohort_request_log(request), level,
            "open() \"%.*s\" failed (%d: %s)", (int)name.size, name.data,
            reason, strerror(reason));
    }
    return status;
}

/* A path with a slash at its end for which no index was found. */
static int
end_directory(
    struct cohort_request *request, const struct settings *settings,
    struct cohort_str name)
{
    int kind = cohort_file_kind(request, name);

    if (kind < 0) {
        return explain(request, settings, name, -kind);
    }
    cohort_error(
        cohort_request_log(request), "directory index of \"%s\" is forbidden",
        name.data);
    return 403;
}

/* A directory named without its slash. */
static int
add_slash(struct cohort_request *request, struct cohort_str path)
{
    char *slashed = cohort_request_alloc(request, path.size + 1);

    memcpy(slashed, path.data, path.size);
    slashed[path.size] = '/';
    return cohort_redirect_path(
        request, 301, cohort_str_n(slashed, path.size + 1));
}

static int
run(struct cohort_request *request, const void *settings)
{
    struct cohort_str path = cohort_request_path(request);
    char room[COHORT_FILE_NAME_MAX];
    struct cohort_str name;
    int verdict;
    int result;

    if (!is_method(request, "GET") && !is_method(request, "HEAD")) {
        return 405;
    }
    result = cohort_file_name(request, path, room);
    if (result < 0) {
        return explain(request, settings, path, -result);
    }
    name = cohort_str_n(room, (size_t)result);
    if (path.data[path.size - 1] == '/') {
        return end_directory(request, settings, name);
    }
    result = cohort_respond_file(request, name, &verdict);
    if (result == -EISDIR) {
        return add_slash(request, path);
    }
    return result == 0 ? verdict : explain(request, settings, name, -result);
}

static void
init(void *settings)
{
    ((struct settings *)settings)->log_not_found = true;
}

static const struct cohort_directive directives[] = {
    {
        .name = "log_not_found",
        .usage = "on | off",
        .help = "Write files that are not there to the error log.",
        .default_value = "on",
        .where = COHORT_IN_HTTP | COHORT_IN_SERVER | COHORT_IN_LOCATION,
        .args = {1, 1},
        .read_at = COHORT_READ_LOCATION,
        .field = COHORT_FIELD(struct settings, log_not_found),
        .set = cohort_conf_set_flag,
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

struct cohort_module coh_static_module = {
    .api = COHORT_MODULE_API,
    .name = "static",
    .directives = directives,
    .settings_size = sizeof(struct settings),
    .settings_in = COHORT_IN_HTTP,
    .init = init,
    .hooks = &http_module,
};
