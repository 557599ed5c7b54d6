/* Without a configuration: hello world, and where its pid file is. */
#include "server/embedded_conf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/token.h"
#include "config.h"
#include "core/arena.h"
#include "core/path.h"
#include "core/str.h"
#include "server/command_line.h"
#include "server/primary/primary.h"

#define TYPED_WIDTH 30 /* columns of what to type, before what it is for */

/* What is no file has defaults of its own (server/process/settings.c): daemon
   off; error_log stderr notice; worker_connections 16384. */
static const char text[] = "http {\n"
                           "    access_log off;\n"
                           "    default_type text/plain;\n"
                           "\n"
                           "    server {\n"
                           "        listen 127.0.0.1:8000;\n"
                           "\n"
                           "        location / {\n"
                           "            return 200 \"hello world\\n\";\n"
                           "        }\n"
                           "    }\n"
                           "}\n";

/* Does -g (NULL: none) define workers of its own? Then they serve, and nothing
   else. */
static bool
has_worker_group(const char *globals)
{
    struct coh_token_reader reader;
    struct coh_token token;
    unsigned depth = 0;
    bool is_name = true; /* of a directive */

    coh_token_reader_init(&reader, cohort_str(globals ? globals : ""));
    for (coh_token_next(&reader, &token); token.kind != COH_TOKEN_END;
         coh_token_next(&reader, &token)) {
        if (token.kind == COH_TOKEN_WORD && is_name && depth == 0 &&
            coh_str_is(token.text, "worker_group")) {
            return true;
        }
        depth += token.kind == COH_TOKEN_OPEN;
        depth -= token.kind == COH_TOKEN_CLOSE && depth > 0;
        is_name = token.kind != COH_TOKEN_WORD;
    }
    return false;
}

static const char *
runtime_folder(struct coh_arena *arena)
{
    const char *user = getenv("XDG_RUNTIME_DIR");

    if (geteuid() == 0) {
        return "/run/cohort";
    }
    if (user && user[0] == '/') {
        return coh_arena_printf(arena, "%s/cohort", user);
    }
    return coh_arena_printf(arena, "/tmp/cohort-%u", (unsigned)geteuid());
}

void
coh_embedded_use(struct coh_options *options, struct coh_arena *arena)
{
    options->text = has_worker_group(options->globals)
        ? COH_STR("")
        : cohort_str_n(text, sizeof(text) - 1);
    options->text_name = "embedded";
    options->text_pid_path =
        coh_arena_printf(arena, "%s/cohort.pid", runtime_folder(arena));
}

void
coh_embedded_choose(struct coh_options *options, struct coh_arena *arena)
{
    const char *installed = coh_options_path(options, arena, COHORT_CONF_PATH);

    if (options->file) {
        return;
    }
    if (access(installed, F_OK) == 0) {
        options->file = installed;
    } else {
        coh_embedded_use(options, arena);
    }
}

/* A folder of /tmp could be anybody's. */
static int
check_folder(const char *folder)
{
    struct stat found;

    if (lstat(folder, &found) < 0) {
        return -errno;
    }
    if (!S_ISDIR(found.st_mode)) {
        return -ENOTDIR;
    }
    return found.st_uid == geteuid() && (found.st_mode & 022) == 0 ? 0 : -EPERM;
}

int
coh_embedded_prepare(const struct coh_options *options)
{
    struct coh_arena *arena;
    const char *folder;
    int result;

    if (!options->text_pid_path) {
        return 0;
    }
    arena = coh_arena_new(1024);
    folder = coh_path_folder(arena, options->text_pid_path);
    result = coh_path_make_folder(folder, 0700, (gid_t)-1);
    if (result == 0) {
        result = check_folder(folder);
    }
    if (result < 0) {
        fprintf(
            stderr,
            "cohort: [emerg] cannot use %s for the pid file: %s; it must be a "
            "folder that only you may write to\n",
            folder, strerror(-result));
    }
    coh_arena_free(arena);
    return result;
}

/* A word as a shell takes it. */
static const char *
quote(struct coh_arena *arena, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+";
    const char *quoted = "'";

    if (*word && word[strspn(word, plain)] == '\0') {
        return word;
    }
    for (size_t size; *word; word += size) {
        size = *word == '\'' ? 1 : strcspn(word, "'");
        quoted = *word == '\''
            ? coh_arena_printf(arena, "%s'\\''", quoted)
            : coh_arena_printf(arena, "%s%.*s", quoted, (int)size, word);
    }
    return coh_arena_printf(arena, "%s'", quoted);
}

/* It may say where the server can be reached; then whoever looks for it needs
   it, too. Whole worker groups are better not repeated in each line. */
static bool
names_a_place(const char *globals)
{
    return strstr(globals, "pid") || strstr(globals, "admin");
}

/* The options that tell another cohort which server this is, each with a space
   before it. */
static const char *
repeat_options(const struct coh_options *options, struct coh_arena *arena)
{
    const char *made = "";

    if (strcmp(options->prefix, COHORT_PREFIX) != 0) {
        made = coh_arena_printf(arena, " -p %s", quote(arena, options->prefix));
    }
    if (options->globals && names_a_place(options->globals)) {
        made = coh_arena_printf(
            arena, "%s -g %s", made, quote(arena, options->globals));
    }
    return made;
}

/* A line of what to type, and what it is for. */
__attribute__((format(printf, 2, 3))) static void
suggest(const char *what, const char *command, ...)
{
    va_list arguments;
    int size;

    va_start(arguments, command);
    printf("  ");
    size = vprintf(command, arguments);
    va_end(arguments);
    printf("%*s  %s\n", size < TYPED_WIDTH ? TYPED_WIDTH - size : 0, "", what);
}

void
coh_embedded_greet(
    const struct coh_program *program, unsigned workers, size_t groups)
{
    struct coh_arena *arena = coh_arena_new(1024);
    const char *name = program->options->program;
    const char *options = repeat_options(program->options, arena);

    if (program->options->text.size == 0) {
        printf("cohort " COHORT_VERSION " runs the workers of -g.\n\n");
        suggest("which they are, and what they do", "%s top%s", name, options);
    } else {
        printf(
            "cohort " COHORT_VERSION
            " serves hello world on http://127.0.0.1:8000/ with %u worker%s; "
            "there is no configuration file yet.\n\n",
            workers, workers == 1 ? "" : "s");
        suggest("ask it", "curl http://127.0.0.1:8000/");
    }
    suggest("load the configuration anew", "%s -s reload%s", name, options);
    if (workers > 0 || groups == 1) {
        suggest(
            "one worker more (TTOU: one less)", "kill -TTIN %d", (int)getpid());
    } else {
        suggest(
            "have N workers of a group", "%s ctl scale NAME N%s", name,
            options);
    }
    suggest("show the configuration it runs", "%s ctl config%s", name, options);
    suggest(
        "serve your own, in nginx's language (-t tells what is missing)",
        "%s -c FILE", name);
    printf("\nCtrl-C ends it.\n");
    fflush(stdout);
    coh_arena_free(arena);
}
