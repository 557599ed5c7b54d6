/* Which server is meant, and its admin socket. */
#include "server/control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/path.h"
#include "server/admin/ctl.h"
#include "server/admin/top.h"
#include "server/command_line.h"
#include "server/embedded_conf.h"
#include "server/process/admin_settings.h"
#include "server/process/load.h"

#define WRONG_USE 2

/* The command line, taken apart. */
struct control {
    const struct cohort_service *service;
    struct coh_arena *arena;
    struct coh_options options;
    bool is_top;
    bool is_json;
    bool is_once;
    bool wants_help;
    const char *path; /* of the socket; NULL: to be found */
    char **words;     /* the verb and its arguments */
};

bool
coh_control_is_asked(int argc, char **argv)
{
    return argc > 1 &&
        (strcmp(argv[1], "ctl") == 0 || strcmp(argv[1], "top") == 0);
}

/* --- the socket ------------------------------------------------------------------ */

static const char *
path_of(struct coh_arena *arena, const struct cohort_load *load)
{
    const struct coh_admin_address *door =
        coh_admin_door(coh_admin_settings_of(load->conf.settings));

    return door && door->address.u.any.sa_family == AF_UNIX
        ? coh_arena_strdup(arena, door->address.u.local.sun_path)
        : NULL;
}

static void
tell_nothing(void *user, bool is_error, const char *text)
{
    (void)user;
    (void)is_error;
    (void)text;
}

/* In the configuration; NULL: it has errors, or no admin socket. */
static const char *
find_configured(
    const struct control *control,
    void (*tell)(void *user, bool is_error, const char *text))
{
    struct cohort_load *load = calloc(1, sizeof(*load));
    const char *path = NULL;

    if (!load) {
        return NULL;
    }
    load->tell = tell;
    if (coh_load_run(load, &control->options, control->service, true) == 0) {
        path = path_of(control->arena, load);
        if (!path && tell != tell_nothing) {
            fprintf(
                stderr,
                "cohort: [error] the configuration says \"admin off\": there "
                "is nobody to ask\n");
        }
    }
    coh_load_free(load);
    free(load);
    return path;
}

/* Where it is unless it was configured. */
static const char *
default_path(const struct control *control)
{
    const struct coh_options *options = &control->options;
    const char *pid = options->text_pid_path;

    return pid ? coh_path_join(
                     control->arena, coh_path_folder(control->arena, pid),
                     cohort_str(COH_ADMIN_SOCKET_NAME))
               : coh_path_join(
                     control->arena, options->prefix,
                     cohort_str(COH_ADMIN_SOCKET_PATH));
}

/* A running server can be asked although its files have errors by now. */
static const char *
find_socket(const struct control *control)
{
    const char *path = find_configured(control, tell_nothing);

    if (path) {
        return path;
    }
    path = default_path(control);
    return access(path, F_OK) == 0
        ? path
        : find_configured(control, coh_load_tell_stderr);
}

/* --- the command line --------------------------------------------------------------- */

/* Options of the server that say which one it is; they take a value. */
static bool
is_server_option(const char *word)
{
    return word[0] == '-' && word[1] != '\0' && strchr("cpge", word[1]);
}

static bool
is_help(const char *word)
{
    return strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0;
}

/* Take one option of ours. False: it is none. */
static bool
take_option(struct control *control, char ***next)
{
    const char *word = **next;

    if (strcmp(word, "--json") == 0) {
        control->is_json = true;
    } else if (strcmp(word, "--once") == 0 && control->is_top) {
        control->is_once = true;
    } else if (is_help(word)) {
        control->wants_help = true;
    } else if (strcmp(word, "--socket") == 0 && (*next)[1]) {
        control->path = *++*next;
    } else if (strncmp(word, "--socket=", 9) == 0) {
        control->path = word + 9;
    } else {
        return false;
    }
    ++*next;
    return true;
}

static int
parse(struct control *control, int argc, char **argv)
{
    struct coh_command_line line;
    char **server_words = coh_arena_alloc(
        control->arena, ((size_t)argc + 1) * sizeof(*server_words));
    char **next = argv + 2;
    int count = 0;
    int result;

    control->is_top = strcmp(argv[1], "top") == 0;
    server_words[count++] = argv[0];
    while (*next && (*next)[0] == '-') {
        if (take_option(control, &next)) {
            continue;
        }
        if (!is_server_option(*next)) {
            fprintf(
                stderr,
                "cohort: [error] unknown option %s; cohort %s -h lists all\n",
                *next, argv[1]);
            return -1;
        }
        server_words[count++] = *next;
        if ((*next++)[2] == '\0' && *next) {
            server_words[count++] = *next++;
        }
    }
    control->words = next;
    if (next[0] && next[1] && is_help(next[1])) {
        control->wants_help = true; /* with that verb */
    }
    result = coh_command_line_parse(
        &line, control->arena, count, server_words, stderr);
    control->options = line.options;
    if (result == 0) {
        coh_embedded_choose(&control->options, control->arena);
    }
    return result;
}

/* --- doing it --------------------------------------------------------------------------- */

static int
show_help(const struct control *control)
{
    if (control->is_top) {
        coh_top_help();
    } else {
        coh_ctl_help(control->words);
    }
    return 0;
}

static int
run(struct control *control)
{
    if (control->wants_help) {
        return show_help(control);
    }
    if (control->is_top && control->words[0]) {
        fprintf(
            stderr, "cohort: [error] unexpected \"%s\"; cohort top -h\n",
            control->words[0]);
        return WRONG_USE;
    }
    if (!control->is_top && !coh_ctl_check(control->words)) {
        return WRONG_USE;
    }
    if (!control->path) {
        control->path = find_socket(control);
    }
    if (!control->path) {
        return 1;
    }
    return control->is_top
        ? coh_top_run(control->path, control->is_once)
        : coh_ctl_run(control->path, control->words, control->is_json);
}

int
coh_control_run(int argc, char **argv, const struct cohort_service *service)
{
    struct control control = {.service = service, .arena = coh_arena_new(4096)};
    int status = WRONG_USE;

    if (parse(&control, argc, argv) == 0) {
        status = run(&control);
    }
    coh_arena_free(control.arena);
    return status;
}

/* -1: there is nobody to ask. */
static int
ask_server(
    const struct cohort_load *load, int pid, int (*ask)(const char *path))
{
    struct coh_arena *arena = coh_arena_new(1024);
    const char *path = path_of(arena, load);
    int status = -1;

    if (path && coh_ctl_is_server(path, pid)) {
        status = ask(path);
    }
    coh_arena_free(arena);
    return status;
}

int
coh_control_reload(const struct cohort_load *load, int pid)
{
    return ask_server(load, pid, coh_ctl_reload);
}

int
coh_control_upgrade(const struct cohort_load *load, int pid)
{
    return ask_server(load, pid, coh_ctl_upgrade);
}
