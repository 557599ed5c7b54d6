/* Settings: the defaults, what was before, what changes; checked as a whole. */
#include "server/cluster/settings.h"

#include <errno.h>
#include <string.h>

#include "core/arena.h"
#include "core/path.h"
#include "server/cluster/identity.h"
#include "server/process/upkeep.h"

#define BLOCK_SIZE 4096
#define COMMAND_LINE_MAX (1024 * 1024) /* bytes; what Linux has for one word */

/* --- copies --------------------------------------------------------------- */

static size_t
count_words(const char *const *words)
{
    size_t count = 0;

    while (words[count] != NULL) {
        count++;
    }
    return count;
}

static const char *const *
copy_words(struct coh_arena *arena, const char *const *words)
{
    size_t count = count_words(words);
    const char **copies = coh_arena_alloc(arena, (count + 1) * sizeof(*copies));

    for (size_t i = 0; i < count; i++) {
        copies[i] = coh_arena_strdup(arena, words[i]);
    }
    return copies;
}

/* What this program was given: the words behind its name. */
static const char *const *
own_words(struct coh_arena *arena)
{
    struct cohort_str line;
    const char **words;
    size_t count = 0;

    if (coh_path_read(arena, "/proc/self/cmdline", COMMAND_LINE_MAX, &line) <
        0) {
        line.size = 0;
    }
    words = coh_arena_alloc(arena, (line.size + 1) * sizeof(*words));
    for (size_t i = 1; i < line.size; i++) {
        if (line.data[i - 1] == '\0') {
            words[count++] = line.data + i;
        }
    }
    return words;
}

/* --- merging -------------------------------------------------------------- */

/* A text: not given, given, or given back to the default. */
static void
merge_text(struct coh_arena *arena, const char **member, const char *change)
{
    if (change != NULL) {
        *member = change;
    }
    if (*member != NULL) {
        *member =
            (*member)[0] != '\0' ? coh_arena_strdup(arena, *member) : NULL;
    }
}

static void
merge_words(
    struct coh_arena *arena, const char *const **member,
    const char *const *change)
{
    if (change != NULL) {
        *member = change;
    }
    if (*member != NULL) {
        *member = (*member)[0] != NULL ? copy_words(arena, *member) : NULL;
    }
}

static void
merge_inspect_port(
    struct cohort_settings *shown, const struct cohort_settings *changes)
{
    if (changes->inspect_port_next != NULL) {
        shown->inspect_port_next = changes->inspect_port_next;
        shown->inspect_port_user = changes->inspect_port_user;
    } else if (changes->inspect_port != 0) {
        shown->inspect_port = changes->inspect_port;
        shown->inspect_port_next = NULL;
    }
}

static void
merge_stdio(
    struct coh_cluster_settings *settings,
    const struct cohort_settings *changes)
{
    if (changes->stdio != NULL) {
        settings->shown.stdio = changes->stdio;
        settings->shown.stdio_count = changes->stdio_count;
        settings->has_stdio = changes->stdio_count > 0;
    }
}

static void
merge(
    struct coh_cluster_settings *settings,
    const struct cohort_settings *changes)
{
    struct coh_arena *arena = settings->arena;
    struct cohort_settings *shown = &settings->shown;

    merge_text(arena, &shown->exec, changes->exec);
    merge_words(arena, &shown->exec_args, changes->exec_args);
    merge_words(arena, &shown->args, changes->args);
    merge_text(arena, &shown->cwd, changes->cwd);
    merge_words(arena, &shown->environment, changes->environment);
    merge_text(arena, &shown->user, changes->user);
    merge_text(arena, &shown->group, changes->group);
    merge_words(arena, &shown->groups, changes->groups);
    if (changes->protocol != COHORT_PROTOCOL_AS_BEFORE) {
        shown->protocol = changes->protocol;
    }
    if (changes->serialization != COHORT_SERIALIZATION_AS_BEFORE) {
        shown->serialization = changes->serialization;
    }
    if (changes->silent != COHORT_AS_BEFORE) {
        shown->silent = changes->silent;
    }
    if (changes->windows_hide != COHORT_AS_BEFORE) {
        shown->windows_hide = changes->windows_hide;
    }
    if (changes->watchdog_ms != 0) {
        shown->watchdog_ms = changes->watchdog_ms;
    }
    merge_stdio(settings, changes);
    merge_inspect_port(shown, changes);
}

/* --- what is not given ---------------------------------------------------- */

static void
fill_in_stdio(struct coh_cluster_settings *settings)
{
    struct cohort_settings *shown = &settings->shown;
    enum cohort_stdio_kind kind =
        shown->silent == COHORT_YES ? COHORT_STDIO_PIPE : COHORT_STDIO_INHERIT;

    if (settings->has_stdio) {
        return;
    }
    for (unsigned i = 0; i < 3; i++) {
        settings->stdio[i] = (struct cohort_stdio){.kind = kind, .fd = -1};
    }
    shown->stdio_count = 3;
    if (shown->protocol != COHORT_PROTOCOL_LISTEN_FDS) {
        settings->stdio[shown->stdio_count++] =
            (struct cohort_stdio){.kind = COHORT_STDIO_IPC, .fd = -1};
    }
}

static void
fill_in(struct coh_cluster_settings *settings)
{
    struct cohort_settings *shown = &settings->shown;
    static const char *const none[] = {NULL};

    if (shown->exec == NULL) {
        shown->exec = COH_CLUSTER_SELF;
    }
    settings->is_self = strcmp(shown->exec, COH_CLUSTER_SELF) == 0;
    if (shown->exec_args == NULL) {
        shown->exec_args = none;
    }
    if (shown->args == NULL) {
        shown->args = own_words(settings->arena);
    }
    if (shown->protocol == COHORT_PROTOCOL_AS_BEFORE) {
        shown->protocol = COHORT_PROTOCOL_COHORT;
    }
    if (shown->serialization == COHORT_SERIALIZATION_AS_BEFORE) {
        shown->serialization = COHORT_SERIALIZATION_JSON;
    }
    if (shown->silent == COHORT_AS_BEFORE) {
        shown->silent = COHORT_NO;
    }
    if (shown->windows_hide == COHORT_AS_BEFORE) {
        shown->windows_hide = COHORT_NO;
    }
    if (shown->inspect_port == 0) {
        shown->inspect_port = -1;
    }
    if (shown->watchdog_ms == 0) {
        shown->watchdog_ms = COH_UPKEEP_WATCHDOG_MS;
    }
    fill_in_stdio(settings);
}

/* --- checks: NULL, or what is wrong --------------------------------------- */

static const char *
check_choices(const struct cohort_settings *shown)
{
    if ((unsigned)shown->protocol > COHORT_PROTOCOL_LISTEN_FDS) {
        return "protocol is none that there is";
    }
    if ((unsigned)shown->serialization > COHORT_SERIALIZATION_BINARY) {
        return "serialization is neither json nor binary";
    }
    if (shown->serialization == COHORT_SERIALIZATION_BINARY &&
        shown->protocol == COHORT_PROTOCOL_NODE) {
        return "serialization of a Node program must be json: the other one is "
               "V8's own";
    }
    if (shown->inspect_port < -1 || shown->inspect_port > UINT16_MAX) {
        return "inspect_port is no port (1 to 65535)";
    }
    if (shown->watchdog_ms != -1 &&
        (shown->watchdog_ms < COH_UPKEEP_WATCHDOG_MIN_MS ||
         shown->watchdog_ms > COH_UPKEEP_WATCHDOG_MAX_MS)) {
        return "watchdog_ms is no time that can be (100 ms to a day, or -1)";
    }
    return NULL;
}

bool
coh_environment_is_valid(const char *const *environment)
{
    for (; environment != NULL && *environment != NULL; environment++) {
        if (strchr(*environment, '=') == NULL || (*environment)[0] == '=') {
            return false;
        }
    }
    return true;
}

/* Copies one entry of the list. */
static const char *
take_stdio(struct coh_cluster_settings *settings, unsigned index)
{
    struct cohort_stdio entry = settings->shown.stdio[index];

    switch (entry.kind) {
    case COHORT_STDIO_INHERIT:
    case COHORT_STDIO_PIPE:
    case COHORT_STDIO_NULL:
    case COHORT_STDIO_IPC:
        break;
    case COHORT_STDIO_FD:
        if (entry.fd < 0) {
            return "stdio has an entry whose descriptor is negative";
        }
        break;
    case COHORT_STDIO_FILE:
        if (entry.path == NULL || entry.path[0] == '\0') {
            return "stdio has an entry for a file without a path";
        }
        entry.path = coh_arena_strdup(settings->arena, entry.path);
        break;
    default:
        return "stdio has an entry of a kind that does not exist";
    }
    settings->stdio[index] = entry;
    return NULL;
}

static const char *
take_stdio_list(struct coh_cluster_settings *settings)
{
    size_t count = settings->shown.stdio_count;

    if (!settings->has_stdio) {
        return NULL;
    }
    if (count > COHORT_STDIO_MAX) {
        return "stdio has more than 64 entries";
    }
    for (unsigned i = 0; i < count; i++) {
        const char *why = take_stdio(settings, i);

        if (why != NULL) {
            return why;
        }
    }
    return NULL;
}

static const char *
find_channel(struct coh_cluster_settings *settings)
{
    unsigned channels = 0;

    for (unsigned i = 0; i < settings->shown.stdio_count; i++) {
        if (settings->stdio[i].kind == COHORT_STDIO_IPC) {
            settings->channel = i;
            channels++;
        }
    }
    if (settings->shown.protocol == COHORT_PROTOCOL_LISTEN_FDS) {
        return channels == 0 ? NULL
                             : "stdio has an ipc entry, but programs that are "
                               "given their sockets have no channel";
    }
    if (channels != 1) {
        return channels == 0 ? "stdio lacks the ipc entry: workers need a "
                               "channel"
                             : "stdio has more than one ipc entry";
    }
    return NULL;
}

static const char *
find_identity(struct coh_cluster_settings *settings)
{
    const char *setting = NULL;
    const char *name = NULL;
    int result = coh_identity_find(
        &settings->shown, &settings->identity, &setting, &name);

    if (result == 0) {
        return NULL;
    }
    return result == -E2BIG
        ? coh_arena_printf(
              settings->arena, "%s makes more than %d groups with \"%s\"",
              setting, COH_GROUPS_MAX, name)
        : coh_arena_printf(
              settings->arena, "%s names \"%s\", which does not exist", setting,
              name);
}

static const char *
check(struct coh_cluster_settings *settings)
{
    const char *why = check_choices(&settings->shown);

    if (why == NULL && !coh_environment_is_valid(settings->shown.environment)) {
        why = "environment has an entry that is not NAME=VALUE";
    }
    if (why == NULL) {
        why = take_stdio_list(settings);
    }
    if (why == NULL) {
        why = find_channel(settings);
    }
    if (why == NULL) {
        why = find_identity(settings);
    }
    settings->shown.stdio = settings->stdio;
    return why;
}

/* --- making --------------------------------------------------------------- */

struct coh_cluster_settings *
coh_cluster_settings_make(
    const struct coh_cluster_settings *before,
    const struct cohort_settings *changes, struct cohort_log *log)
{
    static const struct cohort_settings nothing;
    struct coh_arena *arena = coh_arena_new(BLOCK_SIZE);
    struct coh_cluster_settings *settings =
        coh_arena_alloc(arena, sizeof(*settings));
    const char *why;

    if (before != NULL) {
        settings->shown = before->shown;
        settings->has_stdio = before->has_stdio;
    }
    settings->arena = arena;
    merge(settings, changes != NULL ? changes : &nothing);
    fill_in(settings);
    why = check(settings);
    if (why != NULL) {
        cohort_error(log, "cannot set up workers: %s", why);
        coh_arena_free(arena);
        return NULL;
    }
    return settings;
}

void
coh_cluster_settings_free(struct coh_cluster_settings *settings)
{
    if (settings != NULL) {
        coh_arena_free(settings->arena);
    }
}
