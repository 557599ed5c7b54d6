/* error_log: files and levels, at any depth of the configuration. */
#include <errno.h>
#include <string.h>

#include <cohort/conf.h>

#include "config.h"
#include "core/arena.h"
#include "core/str.h"
#include "server/process/load.h"
#include "server/process/settings.h"

static int
add_log(
    struct cohort_conf *conf, struct cohort_log *log, const char *path,
    bool is_optional, enum cohort_log_level level)
{
    struct cohort_load *load = cohort_conf_object(conf, COHORT_IN_MAIN);
    struct cohort_file *file;
    int result = coh_load_file(load, path, is_optional, &file);

    if (result < 0) {
        return result;
    }
    if (coh_log_add_target(log, &file->target, level) < 0) {
        return cohort_conf_error(
            conf, "more than %d error logs in one place", COH_LOG_TARGETS_MAX);
    }
    return 0;
}

/* Where the configuration says so is the best place to complain; the primary
   opens it, with the same rights. 0 or -errno. */
static int
check_log_path(struct cohort_conf *conf, struct cohort_str path)
{
    int result = coh_log_check(path.data);

    return result == 0 ? 0
                       : cohort_conf_error_at(
                             conf, 0,
                             "cannot write the error log %s: %s; create its "
                             "folder, or name another file",
                             path.data, strerror(-result));
}

int
coh_settings_set_log(struct cohort_conf *conf, void *settings)
{
    struct coh_settings *made = settings;
    struct cohort_str path = cohort_conf_arg(conf, 0);
    enum cohort_log_level level = COHORT_LOG_ERROR;

    if (cohort_conf_arg_count(conf) == 2 &&
        coh_log_level_parse(cohort_conf_arg(conf, 1).data, &level) < 0) {
        return cohort_conf_error_at(
            conf, 1,
            "unknown level \"%s\": levels are debug, info, notice, warn, "
            "error, crit, alert and emerg",
            cohort_conf_arg(conf, 1).data);
    }
    if (coh_str_starts_with(path, COH_STR("syslog:")) ||
        coh_str_starts_with(path, COH_STR("memory:"))) {
        return cohort_conf_error_at(
            conf, 0, "an error log is a file or stderr here");
    }
    if (!coh_str_is(path, "stderr")) {
        path = cohort_conf_prefix_path(conf, path);
        if (check_log_path(conf, path) < 0) {
            return -EINVAL;
        }
    }
    return add_log(conf, &made->log, path.data, false, level);
}

int
coh_settings_choose_log(struct cohort_conf *conf, struct coh_settings *made)
{
    const struct cohort_load *load = cohort_conf_object(conf, COHORT_IN_MAIN);
    const struct coh_options *options = load->options;
    const char *path = options->error_log;

    if (cohort_conf_is_set(conf, "error_log")) {
        return 0;
    }
    if (!path) {
        path = options->file
            ? coh_options_path(options, load->arena, COHORT_ERROR_LOG_PATH)
            : "stderr";
    }
    return add_log(
        conf, &made->log, path, !options->error_log,
        options->file ? COHORT_LOG_ERROR : COHORT_LOG_NOTICE);
}
