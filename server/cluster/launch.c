/* From settings to a running program: its words, its environment, the steps of
   the child. */
#include "server/cluster/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/socket.h"
#include "core/str.h"
#include "server/channel/node_environment.h"
#include "server/cluster/role.h"
#include "server/process/privilege.h"
#include "server/process/spawn.h"
#include "server/process/template.h"

#define BLOCK_SIZE 4096

/* --- words ---------------------------------------------------------------- */

static size_t
count_words(const char *const *words)
{
    size_t count = 0;

    while (words != NULL && words[count] != NULL) {
        count++;
    }
    return count;
}

static size_t
put_words(
    struct coh_arena *arena, char **out, size_t at, const char *const *words)
{
    for (size_t i = 0; i < count_words(words); i++) {
        out[at++] = coh_arena_strdup(arena, words[i]);
    }
    return at;
}

static bool
asks_for_inspector(const char *const *words)
{
    static const char *const flags[] = {"--inspect", "--debug-port"};

    for (; *words != NULL; words++) {
        for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
            if (strncmp(*words, flags[i], strlen(flags[i])) == 0) {
                return true;
            }
        }
    }
    return false;
}

static char **
make_words(struct coh_arena *arena, const struct coh_launch *launch)
{
    const struct coh_cluster_settings *settings = launch->settings;
    const struct cohort_settings *shown = &settings->shown;
    size_t count = count_words(shown->exec_args) + count_words(shown->args);
    char **words = coh_arena_alloc(arena, (count + 3) * sizeof(*words));
    size_t at = 0;

    words[at++] = coh_arena_strdup(
        arena, settings->is_self ? program_invocation_name : shown->exec);
    at = put_words(arena, words, at, shown->exec_args);
    if (shown->protocol == COHORT_PROTOCOL_NODE && launch->inspect_port > 0 &&
        asks_for_inspector(shown->exec_args)) {
        words[at++] =
            coh_arena_printf(arena, "--inspect-port=%d", launch->inspect_port);
    }
    put_words(arena, words, at, shown->args);
    return words;
}

/* --- environment ---------------------------------------------------------- */

static bool
has_same_name(const char *one, const char *other)
{
    size_t size = strcspn(one, "=");

    return strncmp(one, other, size) == 0 && other[size] == '=';
}

/* Set or replace. */
static size_t
put_variable(char **out, size_t count, char *entry)
{
    for (size_t i = 0; i < count; i++) {
        if (has_same_name(entry, out[i])) {
            out[i] = entry;
            return count;
        }
    }
    out[count] = entry;
    return count + 1;
}

static size_t
put_variables(
    struct coh_arena *arena, char **out, size_t count,
    const char *const *entries)
{
    for (; entries != NULL && *entries != NULL; entries++) {
        if (strchr(*entries, '=') != NULL) {
            count = put_variable(out, count, coh_arena_strdup(arena, *entries));
        }
    }
    return count;
}

/* Room for the child's own number: only it knows that. */
#define LISTEN_PID "LISTEN_PID="
#define PID_DIGITS_MAX 20

static size_t
put_sockets(
    struct coh_arena *arena, char **out, size_t count,
    const struct coh_launch *launch)
{
    size_t stdio_count = launch->settings->shown.stdio_count;

    count = put_variable(
        out, count,
        coh_arena_printf(
            arena, "LISTEN_FDS=%zu", stdio_count > 3 ? stdio_count - 3 : 0));
    return put_variable(
        out, count,
        coh_arena_printf(arena, LISTEN_PID "%*s", PID_DIGITS_MAX, ""));
}

/* What is ours goes last, over whatever a program says. */
static size_t
put_role(
    struct coh_arena *arena, char **out, size_t count,
    const struct coh_launch *launch)
{
    struct coh_node_variables node;
    int channel = (int)launch->settings->channel;

    if (launch->settings->shown.protocol == COHORT_PROTOCOL_NODE) {
        coh_node_variables_fill(&node, channel, launch->worker_id);
        count =
            put_variable(out, count, coh_arena_strdup(arena, node.channel_fd));
        count =
            put_variable(out, count, coh_arena_strdup(arena, node.worker_id));
        return put_variable(
            out, count, coh_arena_strdup(arena, node.serialization));
    }
    if (launch->settings->shown.protocol == COHORT_PROTOCOL_LISTEN_FDS) {
        return put_sockets(arena, out, count, launch);
    }
    count = put_variable(
        out, count,
        coh_arena_printf(
            arena, COH_ROLE_WORKER_ID "=%llu",
            (unsigned long long)launch->worker_id));
    return put_variable(
        out, count,
        coh_arena_printf(arena, COH_ROLE_CHANNEL_FD "=%d", channel));
}

/* What others have told us is not for our workers: who we are, and which
   sockets we were given. */
static bool
is_for_us(const char *entry)
{
    static const char *const names[] = {
        COH_TEMPLATE_ENVIRONMENT "=",
        "LISTEN_FDS=", "LISTEN_PID=", "LISTEN_FDNAMES="};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (has_same_name(names[i], entry)) {
            return true;
        }
    }
    return coh_role_is_variable(entry);
}

static char **
make_environment(struct coh_arena *arena, const struct coh_launch *launch)
{
    const char *const *given = launch->settings->shown.environment;
    size_t room = count_words(given) + count_words(launch->environment) + 8;
    char **out;
    size_t count = 0;

    for (char **entry = environ; entry != NULL && *entry != NULL; entry++) {
        room++;
    }
    out = coh_arena_alloc(arena, room * sizeof(*out));
    for (char **entry = environ; entry != NULL && *entry != NULL; entry++) {
        if (!is_for_us(*entry)) {
            out[count++] = *entry;
        }
    }
    count = put_variables(arena, out, count, given);
    count = put_variables(arena, out, count, launch->environment);
    put_role(arena, out, count, launch);
    return out;
}

/* --- the child ------------------------------------------------------------ */

/* Nothing here allocates or takes a lock: the program may have threads. */

static int
become(const struct coh_launch *launch, pid_t parent, const char **what)
{
    const struct coh_cluster_settings *settings = launch->settings;
    int result = 0;

    if (settings->identity.is_set) {
        result = coh_privilege_become(&settings->identity, what);
    }
    if (result == 0) {
        *what = "follow its primary";
        result = coh_spawn_die_with_parent(parent, SIGKILL);
    }
    if (result == 0 && settings->shown.cwd != NULL) {
        *what = "change to its folder";
        result = chdir(settings->shown.cwd) < 0 ? -errno : 0;
    }
    return result;
}

/* Descriptors are moved about; what the program may have is set before it is
   executed. */
static void
raise_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void
tell_failure(int report, int error, const char *what)
{
    struct coh_launch_failure failure = {.error = error};

    strncpy(failure.what, what, sizeof(failure.what) - 1);
    if (write(report, &failure, sizeof(failure)) < 0) {
        return; /* the primary is gone, or takes it for a crash */
    }
}

static void
set_listen_pid(char **environment)
{
    size_t size = sizeof(LISTEN_PID) - 1;

    for (; *environment != NULL; environment++) {
        if (strncmp(*environment, LISTEN_PID, size) == 0) {
            char *digits = *environment + size;

            digits[coh_u64_format(digits, (uint64_t)getpid())] = '\0';
        }
    }
}

static void
run_child(
    struct coh_launch *launch, char **words, char **environment, pid_t parent,
    int report)
{
    int keep[COHORT_STDIO_MAX];
    size_t keep_count = 0;
    const char *what = "arrange its descriptors for";
    int result;

    raise_limit();
    if (launch->settings->shown.protocol == COHORT_PROTOCOL_LISTEN_FDS) {
        set_listen_pid(environment);
    }
    result = coh_cluster_stdio_install(&launch->stdio, &report);
    if (result == 0) {
        result = become(launch, parent, &what);
    }
    if (result == 0) {
        what = "start";
        for (unsigned i = 3; i < launch->stdio.count; i++) {
            keep[keep_count++] = (int)i;
        }
        environ = environment;
        result = coh_spawn_program(
            launch->settings->is_self ? NULL : launch->settings->shown.exec,
            words, keep, keep_count);
    }
    tell_failure(report, result, what);
    _exit(127);
}

/* --- the primary ---------------------------------------------------------- */

int
coh_launch_run(struct coh_launch *launch)
{
    struct coh_arena *arena = coh_arena_new(BLOCK_SIZE);
    char **words = make_words(arena, launch);
    char **environment = make_environment(arena, launch);
    pid_t parent = getpid();
    int report[2];
    int result = 0;

    if (pipe2(report, O_CLOEXEC | O_NONBLOCK) < 0) {
        result = -errno;
        coh_arena_free(arena);
        return result;
    }
    launch->pid = coh_spawn_fork(false, &launch->pidfd);
    if (launch->pid == 0) {
        run_child(launch, words, environment, parent, report[1]);
    }
    coh_arena_free(arena);
    close(report[1]);
    if (launch->pid < 0) {
        close(report[0]);
        return launch->pid;
    }
    launch->report = report[0];
    return 0;
}

bool
coh_launch_failed(int report, struct coh_launch_failure *failure)
{
    ssize_t got = read(report, failure, sizeof(*failure));

    failure->what[sizeof(failure->what) - 1] = '\0';
    return got == (ssize_t)sizeof(*failure);
}
