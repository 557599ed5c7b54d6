/* Directives of the processes: how many workers, who they are, where they
   log. */
#include "server/process/settings.h"

#include <stdlib.h>
#include <string.h>

#include <cohort/conf.h>

#include "config.h"
#include "core/cpu.h"
#include "core/str.h"
#include "server/process/load.h"
#include "server/process/sandbox.h"

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

/* --- events{} ------------------------------------------------------------- */

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

/* --- the rest ------------------------------------------------------------- */

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

/* A number that is configured needs no leave, unless there is a most. */
static int
check_max(struct cohort_conf *conf, struct coh_settings *made)
{
    if (made->worker_processes <= made->worker_processes_max) {
        return 0;
    }
    if (cohort_conf_is_set(conf, "worker_processes_max")) {
        return cohort_conf_error_for(
            conf, "worker_processes_max",
            "%u workers are more than worker_processes_max, which is %u\n"
            "raise it, or leave it out: then as many as are configured are "
            "possible",
            made->worker_processes, made->worker_processes_max);
    }
    made->worker_processes_max = made->worker_processes;
    return 0;
}

static int
finish_settings(struct cohort_conf *conf, void *settings, const void *parent)
{
    struct coh_settings *made = settings;
    int result;

    if (parent) {
        return 0; /* below main there are only logs */
    }
    result = check_max(conf, made);
    if (result < 0) {
        return result;
    }
    choose_defaults(conf, made);
    coh_settings_choose_sandbox(conf, made);
    result = coh_settings_choose_user(conf, made);
    return result < 0 ? result : coh_settings_choose_log(conf, made);
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
        .help = "How many workers main, and each worker group, may be scaled "
                "to by signals, cohort ctl and programs; room for those of "
                "main is reserved at start, and no reload adds to it.",
        .default_value =
            "64, or 4 per CPU or worker_processes, if that is more",
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
        .set = coh_settings_set_user,
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
        .set = coh_settings_set_log,
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
        .name = "worker_sandbox",
        .usage = "off | basic | log | on [path ...]",
        .help =
            "What the kernel refuses to workers. basic: to execute or write "
            "a file, to bind a TCP port, to signal or trace others; "
            "on: also system calls that serving needs none of, and files "
            "that are not below a root, an alias or a path given here; "
            "log: such calls work, but the kernel logs them.",
        .default_value = "basic; off for programs",
        .where = COHORT_IN_MAIN,
        .args = {1, COHORT_ARGS_ANY},
        .field = SETTING(sandbox),
        .choices = coh_sandbox_choices,
        .set = coh_settings_set_sandbox,
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
                "requests; one that is still there a second later is killed.",
        .where = COHORT_IN_MAIN,
        .args = {1, 1},
        .field = SETTING(shutdown_timeout_ms),
        .set = cohort_conf_set_time_ms,
    },
    {
        .name = "reload_timeout",
        .usage = "time",
        .help = "How long a new generation may take until it serves, and its "
                "template to fork a worker or, after its death, to load again.",
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
