/* The directives of worker_group: which program, how many, as whom. */
#include "server/process/group.h"

#include <string.h>
#include <unistd.h>

#include <cohort/conf.h>

#include "core/cpu.h"
#include "core/str.h"
#include "server/process/load.h"

static const struct cohort_conf_choice protocols[] = {
    {"node", COHORT_PROTOCOL_NODE},
    {"cohort", COHORT_PROTOCOL_COHORT},
    {"listen_fds", COHORT_PROTOCOL_LISTEN_FDS},
    {NULL, 0},
};

/* Node's word for our binary is V8's format, which is V8's alone. */
static const struct cohort_conf_choice serializations[] = {
    {"json", COHORT_SERIALIZATION_JSON},
    {"advanced", COHORT_SERIALIZATION_BINARY},
    {NULL, 0},
};

static const struct cohort_conf_choice respawns[] = {
    {"on", COH_GROUP_RESPAWN_ON},
    {"off", COH_GROUP_RESPAWN_OFF},
    {"always", COH_GROUP_RESPAWN_ALWAYS},
    {NULL, 0},
};

static const struct cohort_conf_choice policies[] = {
    {"round_robin", COHORT_POLICY_ROUND_ROBIN},
    {"least_conn", COHORT_POLICY_LEAST_CONN},
    {"shared", COHORT_POLICY_SHARED},
    {"reuseport", COHORT_POLICY_REUSEPORT},
    {NULL, 0},
};

static void
init_settings(void *settings)
{
    struct coh_group_settings *made = settings;

    made->processes = coh_cpu_count();
    made->protocol = COHORT_PROTOCOL_COHORT;
    made->serialization = COHORT_SERIALIZATION_JSON;
    made->respawn = COH_GROUP_RESPAWN_ON;
}

/* --- the block ------------------------------------------------------------ */

static bool
is_name(struct cohort_str name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

    return name.size > 0 && name.size <= COH_GROUP_NAME_MAX &&
        strspn(name.data, allowed) == name.size;
}

static int
open_group(struct cohort_conf *conf, void *settings)
{
    struct cohort_load *load = cohort_conf_object(conf, COHORT_IN_MAIN);
    struct cohort_str name = cohort_conf_arg(conf, 0);

    (void)settings;
    if (!is_name(name)) {
        return cohort_conf_error_at(
            conf, 0,
            "\"%s\" cannot be the name of a worker group\nup to %d letters, "
            "digits, \"_\" and \"-\" can",
            name.data, COH_GROUP_NAME_MAX);
    }
    if (strcmp(name.data, COH_GROUP_MAIN) == 0) {
        return cohort_conf_error_at(
            conf, 0,
            "the worker group \"" COH_GROUP_MAIN "\" is the built-in HTTP "
            "service\ngive the programs another name");
    }
    for (size_t i = 0; i < load->groups.count; i++) {
        if (strcmp(load->groups.list[i].name.data, name.data) == 0) {
            return cohort_conf_error_at(
                conf, 0, "duplicate worker group \"%s\"", name.data);
        }
    }
    if (load->groups.count == COH_WORKER_GROUPS_MAX) {
        return cohort_conf_error(
            conf, "more than %d worker groups", COH_WORKER_GROUPS_MAX);
    }
    load->groups.list[load->groups.count++].name = name;
    cohort_conf_set_object(conf, &load->groups.list[load->groups.count - 1]);
    return 0;
}

static int
close_group(struct cohort_conf *conf, const void *settings)
{
    struct coh_declared_group *group =
        cohort_conf_object(conf, COHORT_IN_WORKER_GROUP);

    group->settings = settings;
    group->upkeep = coh_upkeep_here(conf);
    return coh_group_check(conf, settings);
}

/* --- what stands in it ---------------------------------------------------- */

static int
set_processes(struct cohort_conf *conf, void *settings)
{
    struct coh_group_settings *made = settings;
    uint64_t count;

    if (cohort_conf_arg_is(conf, 0, "auto")) {
        return 0; /* what it starts with */
    }
    if (cohort_parse_number(
            cohort_conf_arg(conf, 0), COH_GROUP_PROCESSES_MAX, &count) < 0 ||
        count == 0) {
        return cohort_conf_error_at(
            conf, 0, "\"processes\" takes auto or 1 to %d",
            COH_GROUP_PROCESSES_MAX);
    }
    made->processes = (uint32_t)count;
    return 0;
}

static void
add_word(
    struct cohort_conf *conf, struct coh_group_words *words,
    struct cohort_str word)
{
    struct cohort_str *added = cohort_conf_append(
        conf, (void **)&words->items, &words->count, sizeof(*words->items));

    *added = word;
}

/* exec, exec_args, args: all words, into the row's field. */
static int
set_words(struct cohort_conf *conf, void *settings)
{
    size_t offset = cohort_conf_directive(conf)->field.offset;
    struct coh_group_words *words =
        (struct coh_group_words *)(void *)((char *)settings + offset);

    for (size_t i = 0; i < cohort_conf_arg_count(conf); i++) {
        add_word(conf, words, cohort_conf_arg(conf, i));
    }
    return 0;
}

static int
set_env(struct cohort_conf *conf, void *settings)
{
    struct coh_group_settings *made = settings;
    struct cohort_str entry = cohort_conf_arg(conf, 0);

    if (coh_str_index(entry, '=') <= 0) {
        return cohort_conf_error_at(
            conf, 0,
            "\"env\" of a worker group takes NAME=VALUE\nwhat the server was "
            "started with is there anyway");
    }
    add_word(conf, &made->environment, entry);
    return 0;
}

static int
set_user(struct cohort_conf *conf, void *settings)
{
    struct coh_group_settings *made = settings;

    return coh_settings_read_user(conf, &made->identity);
}

#define SETTING(member) COHORT_FIELD(struct coh_group_settings, member)

static const struct cohort_directive directives[] = {
    {
        .name = "worker_group",
        .usage = "name",
        .help = "Workers that run a program, beside the built-in HTTP service, "
                "which is the group main.",
        .where = COHORT_IN_MAIN,
        .args = {1, 1},
        .kind = COHORT_KIND_ADD,
        .block = COHORT_IN_WORKER_GROUP,
        .set = open_group,
        .close = close_group,
    },
    {
        .name = "processes",
        .usage = "number | auto",
        .help = "How many of them there are; auto: one per CPU that may be "
                "used.",
        .default_value = "auto",
        .where = COHORT_IN_WORKER_GROUP,
        .args = {1, 1},
        .field = SETTING(processes),
        .set = set_processes,
    },
    {
        .name = "exec",
        .usage = "program [word ...]",
        .help = "The program, by path or looked up in PATH, and its first "
                "words.",
        .where = COHORT_IN_WORKER_GROUP,
        .args = {1, COHORT_ARGS_ANY},
        .field = SETTING(exec),
        .set = set_words,
    },
    {
        .name = "exec_args",
        .usage = "word ...",
        .help = "Words directly behind the program's name, before those of "
                "exec: options of node itself.",
        .where = COHORT_IN_WORKER_GROUP,
        .args = {1, COHORT_ARGS_ANY},
        .field = SETTING(exec_args),
        .set = set_words,
    },
    {
        .name = "args",
        .usage = "word ...",
        .help = "Words behind those of exec.",
        .where = COHORT_IN_WORKER_GROUP,
        .args = {1, COHORT_ARGS_ANY},
        .field = SETTING(args),
        .set = set_words,
    },
    {
        .name = "cwd",
        .usage = "folder",
        .help = "Where they run; without it, where the server was started.",
        .where = COHORT_IN_WORKER_GROUP,
        .args = {1, 1},
        .field = SETTING(cwd),
        .set = cohort_conf_set_path,
    },
    {
        .name = "env",
        .usage = "name=value",
        .help = "A variable, over those that the server was started with.",
        .where = COHORT_IN_WORKER_GROUP,
        .args = {1, 1},
        .kind = COHORT_KIND_ADD,
        .field = SETTING(environment),
        .set = set_env,
    },
    {
        .name = "user",
        .usage = "user [group]",
        .help = "Who they run as, if root starts the server; without it, the "
                "user of the main context.",
        .where = COHORT_IN_WORKER_GROUP,
        .args = {1, 2},
        .field = SETTING(identity),
        .set = set_user,
    },
    {
        .name = "protocol",
        .usage = "node | cohort | listen_fds",
        .help = "How they talk to the primary: as a Node.js program does "
                "(unmodified), by libcohort, or not at all: they are given "
                "their sockets (LISTEN_FDS), as by systemd.",
        .default_value = "cohort",
        .where = COHORT_IN_WORKER_GROUP,
        .args = {1, 1},
        .field = SETTING(protocol),
        .choices = protocols,
        .set = cohort_conf_set_choice,
    },
    {
        .name = "serialization",
        .usage = "json | advanced",
        .help = "What messages are: JSON values, or any bytes.",
        .default_value = "json",
        .where = COHORT_IN_WORKER_GROUP,
        .args = {1, 1},
        .field = SETTING(serialization),
        .choices = serializations,
        .set = cohort_conf_set_choice,
    },
    {
        .name = "silent",
        .usage = "on | off",
        .help = "on: what they print goes to the error log, line by line; "
                "off: to the server's own standard streams.",
        .default_value = "off",
        .where = COHORT_IN_WORKER_GROUP,
        .args = {1, 1},
        .field = SETTING(is_silent),
        .set = cohort_conf_set_flag,
    },
    {
        .name = "stdio",
        .usage = "inherit | pipe | null | ipc | /file ...",
        .help = "What their descriptors are from 0 on, instead of silent; "
                "pipe: as silent does; ipc: the channel.",
        .where = COHORT_IN_WORKER_GROUP,
        .args = {1, COHORT_STDIO_MAX},
        .field = SETTING(stdio),
        .set = coh_group_set_stdio,
    },
    {
        .name = "listen",
        .usage = "address [name=name] [backlog=number]",
        .help = "A socket that programs with protocol listen_fds are given, "
                "from descriptor 3 on; the name goes to LISTEN_FDNAMES. All of "
                "them accept from it. Others ask for theirs.",
        .where = COHORT_IN_WORKER_GROUP,
        .args = {1, 3},
        .kind = COHORT_KIND_ARRAY,
        .field = SETTING(listens),
        .set = coh_group_set_listen,
    },
    {
        .name = "inspect_port",
        .usage = "port",
        .help = "The first one's port of inspection, the next ones follow: "
                "node's --inspect-port if exec_args has --inspect; libcohort "
                "answers GET / on 127.0.0.1.",
        .where = COHORT_IN_WORKER_GROUP,
        .args = {1, 1},
        .field = SETTING(inspect_port),
        .limit_min = 1,
        .limit_max = 65535,
        .set = cohort_conf_set_number,
    },
    {
        .name = "respawn",
        .usage = "on | off | always",
        .help = "Whether another one follows one that has ended; always: also "
                "one that was told to leave.",
        .default_value = "on",
        .where = COHORT_IN_WORKER_GROUP,
        .args = {1, 1},
        .field = SETTING(respawn),
        .choices = respawns,
        .set = cohort_conf_set_choice,
    },
    {
        .name = "scheduling_policy",
        .usage = "round_robin | least_conn | shared | reuseport",
        .help = "How connections reach them; node: round_robin or shared; "
                "listen_fds: always shared.",
        .default_value = "round_robin",
        .where = COHORT_IN_WORKER_GROUP,
        .args = {1, 1},
        .field = SETTING(policy),
        .choices = policies,
        .set = cohort_conf_set_choice,
    },
    {.name = NULL},
};

struct cohort_module coh_group_module = {
    .api = COHORT_MODULE_API,
    .name = "worker groups",
    .directives = directives,
    .settings_size = sizeof(struct coh_group_settings),
    .settings_in = COHORT_IN_MAIN,
    .init = init_settings,
};
