/* Which server is meant, and its admin socket. */
#include "server/control.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/arena.h"
#include "server/admin/ctl.h"
#include "server/admin/top.h"
#include "server/command_line.h"
#include "server/embedded_conf.h"
#include "server/place.h"

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

static const char *
find_socket(const struct control *control)
{
    struct coh_place place;

    if (coh_place_find(
            &place, control->arena, &control->options, control->service) < 0) {
        fprintf(
            stderr,
            "cohort: [error] --socket PATH names the admin socket without a "
            "configuration\n");
    } else if (!place.socket_path) {
        fprintf(
            stderr,
            "cohort: [error] the configuration says \"admin off\": there is "
            "nobody to ask\n");
    }
    return place.socket_path;
}

/* --- the command line ----------------------------------------------------- */

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

/* The word that begins with --socket: a path with "=", or the next word. */
static int
take_socket(struct control *control, const char *word, char ***next)
{
    const char *value = word + strlen("--socket");

    control->path = *value == '=' ? value + 1 : *(*next)++;
    if (!control->path) {
        fprintf(stderr, "cohort: [error] --socket takes a path\n");
        return -EINVAL;
    }
    return 0;
}

/* Take one option of ours, with its value. 1; 0: it is none; -EINVAL. */
static int
take_option(struct control *control, char ***next)
{
    const char *word = **next;

    if (strcmp(word, "--json") == 0 && !control->is_top) {
        control->is_json = true;
    } else if (strcmp(word, "--once") == 0 && control->is_top) {
        control->is_once = true;
    } else if (is_help(word)) {
        control->wants_help = true;
    } else if (
        strcmp(word, "--socket") == 0 || strncmp(word, "--socket=", 9) == 0) {
        ++*next;
        return take_socket(control, word, next) < 0 ? -EINVAL : 1;
    } else {
        return 0;
    }
    ++*next;
    return 1;
}

/* Options stand before the verb and behind it; what is none of ours is a word
   of the verb, and so is all that follows "--". server_words gets those that
   the server knows, too. How many, or -EINVAL. */
static int
sort_words(struct control *control, char **next, char **server_words)
{
    char **words = control->words;
    int count = 0;
    int taken = 0;

    while (taken >= 0 && *next && strcmp(*next, "--") != 0) {
        taken = take_option(control, &next);
        if (taken != 0) {
            continue;
        }
        if (is_server_option(*next)) {
            server_words[count++] = *next;
            if ((*next++)[2] == '\0' && *next) {
                server_words[count++] = *next++;
            }
        } else if (words == control->words && (*next)[0] == '-') {
            fprintf(
                stderr,
                "cohort: [error] unknown option %s; cohort %s -h lists all\n",
                *next, control->is_top ? "top" : "ctl");
            taken = -EINVAL;
        } else {
            *words++ = *next++;
        }
    }
    if (taken >= 0 && *next) {
        next++; /* the "--" */
        while (*next) {
            *words++ = *next++;
        }
    }
    return taken < 0 ? taken : count;
}

static int
parse(struct control *control, int argc, char **argv)
{
    struct coh_command_line line;
    size_t size = ((size_t)argc + 1) * sizeof(*argv);
    char **server_words = coh_arena_alloc(control->arena, size);
    int result;

    control->is_top = strcmp(argv[1], "top") == 0;
    control->words = coh_arena_alloc(control->arena, size);
    server_words[0] = argv[0];
    result = sort_words(control, argv + 2, server_words + 1);
    if (result < 0) {
        return result;
    }
    result = coh_command_line_parse(
        &line, control->arena, result + 1, server_words, stderr);
    control->options = line.options;
    if (result == 0) {
        coh_embedded_choose(&control->options, control->arena);
    }
    return result;
}

/* --- doing it ------------------------------------------------------------- */

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

int
coh_control_reload(const struct coh_place *place, int pid)
{
    return place->socket_path && coh_ctl_is_server(place->socket_path, pid)
        ? coh_ctl_reload(place->socket_path)
        : -1;
}

int
coh_control_upgrade(const struct coh_place *place, int pid)
{
    return place->socket_path && coh_ctl_is_server(place->socket_path, pid)
        ? coh_ctl_upgrade(place->socket_path)
        : -1;
}
