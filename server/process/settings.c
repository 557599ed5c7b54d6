/* Directives of the processes: how many workers, who they are, where they log;
   and those of nginx that have nothing to steer here. */
#include "server/process/settings.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cohort/conf.h>

#include "config.h"
#include "core/arena.h"
#include "core/cpu.h"
#include "core/path.h"
#include "core/str.h"
#include "server/process/load.h"

static const struct cohort_conf_choice policies[] = {
    {"round_robin", COHORT_POLICY_ROUND_ROBIN},
    {"least_conn", COHORT_POLICY_LEAST_CONN},
    {"shared", COHORT_POLICY_SHARED},
    {"reuseport", COHORT_POLICY_REUSEPORT},
    {NULL, 0},
};

/* COHORT_SCHED_POLICY: Node's words or ours; anything else is no choice. */
static int
policy_of_environment(void)
{
    const char *value = getenv("COHORT_SCHED_POLICY");

    if (!value) {
        return COHORT_POLICY_DEFAULT;
    }
    if (strcmp(value, "rr") == 0) {
        return COHORT_POLICY_ROUND_ROBIN;
    }
    if (strcmp(value, "none") == 0) {
        return COHORT_POLICY_SHARED;
    }
    for (size_t i = 0; policies[i].name; i++) {
        if (strcmp(value, policies[i].name) == 0) {
            return policies[i].value;
        }
    }
    return COHORT_POLICY_DEFAULT;
}

static unsigned
default_processes_max(void)
{
    unsigned count = 4 * coh_cpu_count();

    return count > 64 ? count : 64;
}

static void
init_settings(void *settings)
{
    struct coh_settings *made = settings;

    made->worker_processes = coh_cpu_count();
    made->worker_processes_max = default_processes_max();
    made->is_daemon = true;
    made->has_primary = true;
    made->worker_connections = 512;
    made->reload_timeout_ms = 60000;
    coh_log_init(&made->log, NULL);
}

static int
set_worker_processes(struct cohort_conf *conf, void *settings)
{
    struct coh_settings *made = settings;
    uint64_t count;

    if (coh_str_is(cohort_conf_arg(conf, 0), "auto")) {
        return 0; /* what it starts with */
    }
    if (cohort_parse_number(cohort_conf_arg(conf, 0), 4096, &count) < 0 ||
        count == 0) {
        return cohort_conf_error_at(
            conf, 0, "\"worker_processes\" takes auto or 1 to 4096");
    }
    made->worker_processes = (uint32_t)count;
    return 0;
}

/* --- who workers are ------------------------------------------------------ */

static int
find_group(const char *name, gid_t *group)
{
    const struct group *found = getgrnam(name);

    if (!found) {
        return -ENOENT;
    }
    *group = found->gr_gid;
    return 0;
}

/* Fill in user and supplementary groups; the group is that of the user's
   entry. */
static int
find_user(const char *name, struct coh_identity *identity)
{
    const struct passwd *found = getpwnam(name);

    if (!found) {
        return -ENOENT;
    }
    identity->is_set = true;
    identity->user = found->pw_uid;
    identity->group = found->pw_gid;
    return 0;
}

static int
find_groups(const char *name, struct coh_identity *identity)
{
    int count = COH_GROUPS_MAX;

    if (getgrouplist(name, identity->group, identity->groups, &count) < 0) {
        return -E2BIG;
    }
    identity->group_count = (size_t)count;
    return 0;
}

static int
set_user(struct cohort_conf *conf, void *settings)
{
    struct coh_settings *made = settings;
    struct coh_identity identity = {0};
    const char *name = cohort_conf_arg(conf, 0).data;

    if (geteuid() != 0) {
        cohort_conf_warn(
            conf, "\"user\" makes sense only when started by root, ignored");
        return 0;
    }
    if (find_user(name, &identity) < 0) {
        return cohort_conf_error_at(
            conf, 0, "unknown user \"%s\": create it or name another", name);
    }
    if (cohort_conf_arg_count(conf) == 2 &&
        find_group(cohort_conf_arg(conf, 1).data, &identity.group) < 0) {
        return cohort_conf_error_at(
            conf, 1, "unknown group \"%s\": create it or name another",
            cohort_conf_arg(conf, 1).data);
    }
    if (find_groups(name, &identity) < 0) {
        return cohort_conf_error_at(
            conf, 0, "user \"%s\" is in more than %d groups", name,
            COH_GROUPS_MAX);
    }
    made->identity = identity;
    return 0;
}

/* Started by root without "user": who was compiled in. */
static int
choose_identity(struct cohort_conf *conf, struct coh_settings *made)
{
    struct coh_identity *identity = &made->identity;

    if (geteuid() != 0 || identity->is_set) {
        return 0;
    }
    if (find_user(COHORT_USER, identity) < 0 ||
        find_group(COHORT_GROUP, &identity->group) < 0) {
        return cohort_conf_error(
            conf,
            "workers of root run as user " COHORT_USER ", group " COHORT_GROUP
            ", and one of them is unknown: set \"user\"");
    }
    identity->groups[0] = identity->group;
    identity->group_count = 1;
    return 0;
}

/* --- logs ------------------------------------------------------------------ */

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
    const struct cohort_load *load = cohort_conf_object(conf, COHORT_IN_MAIN);
    const char *folder = coh_path_folder(load->arena, path.data);

    if (access(path.data, W_OK) == 0 ||
        (errno == ENOENT && access(folder, W_OK | X_OK) == 0)) {
        return 0;
    }
    return cohort_conf_error_at(
        conf, 0,
        "cannot write the error log %s: %s; create its folder, or name another "
        "file",
        path.data, strerror(errno));
}

static int
set_error_log(struct cohort_conf *conf, void *settings)
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

/* Without error_log: what -e said, else standard error for a configuration
   that is no file, else what was compiled in. */
static int
choose_log(struct cohort_conf *conf, struct coh_settings *made)
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
        conf, &made->log, path, true,
        options->file ? COHORT_LOG_ERROR : COHORT_LOG_NOTICE);
}

/* --- events{} ---------------------------------------------------------------- */

/* What stands inside is set in the main context's settings: the block has no
   children that could differ. */
static int
open_events(struct cohort_conf *conf, void *settings)
{
    cohort_conf_set_object(conf, settings);
    return 0;
}

static int
set_worker_connections(struct cohort_conf *conf, void *settings)
{
    (void)settings;
    return cohort_conf_set_number(
        conf, cohort_conf_object(conf, COHORT_IN_EVENTS));
}

/* --- the rest -------------------------------------------------------------- */

static int
set_env(struct cohort_conf *conf, void *settings)
{
    struct coh_settings *made = settings;
    struct coh_variable *variable = cohort_conf_alloc(conf, sizeof(*variable));

    variable->text = cohort_conf_arg(conf, 0);
    variable->next = made->environment;
    made->environment = variable;
    return 0;
}

static void
choose_defaults(struct cohort_conf *conf, struct coh_settings *made)
{
    const struct cohort_load *load = cohort_conf_object(conf, COHORT_IN_MAIN);
    const struct coh_options *options = load->options;

    if (!options->file) {
        made->worker_connections = 16384; /* unless events{} says otherwise */
    }
    if (!options->file && !cohort_conf_is_set(conf, "daemon")) {
        made->is_daemon = false;
    }
    if (!cohort_conf_is_set(conf, "pid")) {
        made->pid_path = cohort_str(
            options->file
                ? coh_options_path(options, load->arena, COHORT_PID_PATH)
                : options->text_pid_path);
    }
    if (made->policy == COHORT_POLICY_DEFAULT) {
        made->policy = policy_of_environment();
    }
}

static int
finish_settings(struct cohort_conf *conf, void *settings, const void *parent)
{
    struct coh_settings *made = settings;
    int result;

    if (parent) {
        return 0; /* below main there are only logs */
    }
    if (made->worker_processes > made->worker_processes_max) {
        return cohort_conf_error(
            conf, "%u workers are more than worker_processes_max, which is %u",
            made->worker_processes, made->worker_processes_max);
    }
    choose_defaults(conf, made);
    result = choose_identity(conf, made);
    return result < 0 ? result : choose_log(conf, made);
}

const struct coh_settings *
coh_settings_of(void *const *settings)
{
    return settings[coh_settings_module.index];
}

struct cohort_log *
cohort_settings_log(void *const *settings)
{
    struct coh_settings *made = settings[coh_settings_module.index];

    return &made->log;
}

#define SETTING(member) COHORT_FIELD(struct coh_settings, member)

static const struct cohort_directive directives[] = {
    {
        .name = "worker_processes",
        .usage = "number | auto",
        .help = "How many workers serve; auto: one per CPU that may be used "
                "(affinity, cgroup quota).",
        .default_value = "auto",
        .where = COHORT_IN_MAIN,
        .args = {1, 1},
        .field = SETTING(worker_processes),
        .set = set_worker_processes,
    },
    {
        .name = "worker_processes_max",
        .usage = "number",
        .help = "How many workers signals may scale up to; room for them is "
                "reserved at start.",
        .default_value = "64 or 4 per CPU",
        .where = COHORT_IN_MAIN,
        .args = {1, 1},
        .field = SETTING(worker_processes_max),
        .limit_min = 1,
        .limit_max = 4096,
        .set = cohort_conf_set_number,
    },
    {
        .name = "user",
        .usage = "user [group]",
        .help = "Who workers run as, if root starts the server.",
        .default_value = COHORT_USER " " COHORT_GROUP,
        .where = COHORT_IN_MAIN,
        .args = {1, 2},
        .field = SETTING(identity),
        .set = set_user,
    },
    {
        .name = "pid",
        .usage = "file",
        .help = "Where the primary's process id is written.",
        .default_value = COHORT_PID_PATH,
        .where = COHORT_IN_MAIN,
        .args = {1, 1},
        .field = SETTING(pid_path),
        .set = cohort_conf_set_path,
    },
    {
        .name = "daemon",
        .usage = "on | off",
        .help = "Whether the server goes to the background.",
        .default_value = "on",
        .where = COHORT_IN_MAIN,
        .args = {1, 1},
        .field = SETTING(is_daemon),
        .set = cohort_conf_set_flag,
    },
    {
        .name = "master_process",
        .usage = "on | off",
        .help = "off: one process does everything, for debuggers.",
        .default_value = "on",
        .where = COHORT_IN_MAIN,
        .args = {1, 1},
        .field = SETTING(has_primary),
        .set = cohort_conf_set_flag,
    },
    {
        .name = "error_log",
        .usage = "file | stderr [level]",
        .help = "Where errors are written, from which level on; several may "
                "be given.",
        .default_value = COHORT_ERROR_LOG_PATH " error",
        .where = COHORT_IN_MAIN | COHORT_IN_HTTP | COHORT_IN_SERVER |
            COHORT_IN_LOCATION,
        .args = {1, 2},
        .kind = COHORT_KIND_ARRAY,
        .field = SETTING(log),
        .set = set_error_log,
    },
    {
        .name = "worker_rlimit_nofile",
        .usage = "number",
        .help = "How many descriptors a worker may have open.",
        .where = COHORT_IN_MAIN,
        .args = {1, 1},
        .field = SETTING(descriptor_limit),
        .limit_min = 64,
        .limit_max = 1 << 30,
        .set = cohort_conf_set_number,
    },
    {
        .name = "scheduling_policy",
        .usage = "round_robin | least_conn | shared | reuseport",
        .help = "How connections reach workers, where listen says nothing "
                "else.",
        .default_value = "round_robin",
        .where = COHORT_IN_MAIN,
        .args = {1, 1},
        .field = SETTING(policy),
        .choices = policies,
        .set = cohort_conf_set_choice,
    },
    {
        .name = "worker_shutdown_timeout",
        .usage = "time",
        .help = "How long a worker that was told to leave may finish its "
                "requests.",
        .where = COHORT_IN_MAIN,
        .args = {1, 1},
        .field = SETTING(shutdown_timeout_ms),
        .set = cohort_conf_set_time_ms,
    },
    {
        .name = "reload_timeout",
        .usage = "time",
        .help = "How long a new generation may take until it serves.",
        .default_value = "60s",
        .where = COHORT_IN_MAIN,
        .args = {1, 1},
        .field = SETTING(reload_timeout_ms),
        .limit_min = 1,
        .limit_max = 3600000,
        .set = cohort_conf_set_time_ms,
    },
    {
        .name = "env",
        .usage = "name[=value]",
        .help = "Keep or set a variable; once given, workers get no others "
                "but TZ.",
        .where = COHORT_IN_MAIN,
        .args = {1, 1},
        .kind = COHORT_KIND_ADD,
        .field = SETTING(environment),
        .set = set_env,
    },
    {
        .name = "events",
        .usage = "{ ... }",
        .help = "What concerns connections of any kind.",
        .where = COHORT_IN_MAIN,
        .block = COHORT_IN_EVENTS,
        .set = open_events,
    },
    {
        .name = "worker_connections",
        .usage = "number",
        .help = "How many connections a worker may have open.",
        .default_value = "512",
        .where = COHORT_IN_EVENTS,
        .args = {1, 1},
        .field = SETTING(worker_connections),
        .limit_min = 1,
        .limit_max = 1 << 24,
        .set = set_worker_connections,
    },
/* What steers machinery that is not here. */
#define NO_EFFECT(directive, arguments, context, minimum, maximum)             \
    {                                                                          \
        .name = (directive), .usage = (arguments), .where = (context),         \
        .args = {(minimum), (maximum)}, .kind = COHORT_KIND_ADD,               \
        .has_no_effect = true, .set = cohort_conf_set_nothing,                 \
    }
    NO_EFFECT("use", "method", COHORT_IN_EVENTS, 1, 1),
    NO_EFFECT("multi_accept", "on | off", COHORT_IN_EVENTS, 1, 1),
    NO_EFFECT("accept_mutex", "on | off", COHORT_IN_EVENTS, 1, 1),
    NO_EFFECT("accept_mutex_delay", "time", COHORT_IN_EVENTS, 1, 1),
    NO_EFFECT("worker_aio_requests", "number", COHORT_IN_EVENTS, 1, 1),
    NO_EFFECT("debug_connection", "address", COHORT_IN_EVENTS, 1, 1),
    NO_EFFECT("debug_points", "abort | stop", COHORT_IN_MAIN, 1, 1),
    NO_EFFECT("lock_file", "file", COHORT_IN_MAIN, 1, 1),
    NO_EFFECT("pcre_jit", "on | off", COHORT_IN_MAIN, 1, 1),
    NO_EFFECT(
        "thread_pool", "name threads=number [max_queue=number]", COHORT_IN_MAIN,
        2, 3),
    NO_EFFECT("timer_resolution", "interval", COHORT_IN_MAIN, 1, 1),
    NO_EFFECT(
        "worker_cpu_affinity", "mask ... | auto [mask]", COHORT_IN_MAIN, 1,
        COHORT_ARGS_ANY),
    NO_EFFECT("worker_priority", "number", COHORT_IN_MAIN, 1, 1),
    NO_EFFECT("worker_rlimit_core", "size", COHORT_IN_MAIN, 1, 1),
    NO_EFFECT("working_directory", "directory", COHORT_IN_MAIN, 1, 1),
    {.name = NULL},
};

struct cohort_module coh_settings_module = {
    .api = COHORT_MODULE_API,
    .name = "processes",
    .directives = directives,
    .settings_size = sizeof(struct coh_settings),
    .settings_in = COHORT_IN_MAIN,
    .init = init_settings,
    .finish = finish_settings,
};
