/* The command line: one row per option letter. */
#include "server/command_line.h"

#include <errno.h>
#include <openssl/opensslv.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "core/arena.h"
#include "core/path.h"
#include "server/process/sandbox_calls.h"

/* While the words are gone through. */
struct parse {
    struct coh_command_line *line;
    struct coh_arena *arena;
    FILE *errors;
    const char *file; /* -c as given */
    char **next;      /* the words behind the current one */
};

struct option {
    char letter;
    bool has_value;
    const char *value_name;
    const char *help;
    /* 0 or -EINVAL. value: NULL for an option that takes none. */
    int (*set)(struct parse *parse, const char *value);
};

static const struct {
    const char *name;
    int number;
} signals[] = {
    {"stop", SIGTERM},  {"quit", SIGQUIT},    {"reopen", SIGUSR1},
    {"reload", SIGHUP}, {"upgrade", SIGUSR2},
};

static int
set_help(struct parse *parse, const char *value)
{
    (void)value;
    parse->line->wants_help = true;
    if (*parse->next && (*parse->next)[0] != '-') {
        parse->line->directive = *parse->next++;
    }
    return 0;
}

static int
set_version(struct parse *parse, const char *value)
{
    (void)value;
    parse->line->wants_version = true;
    return 0;
}

static int
set_configure(struct parse *parse, const char *value)
{
    parse->line->wants_configure = true;
    return set_version(parse, value);
}

static int
set_test(struct parse *parse, const char *value)
{
    (void)value;
    parse->line->is_test = true;
    return 0;
}

static int
set_dump(struct parse *parse, const char *value)
{
    parse->line->is_dump = true;
    return set_test(parse, value);
}

static int
set_quiet(struct parse *parse, const char *value)
{
    (void)value;
    parse->line->is_quiet = true;
    return 0;
}

static int
set_signal(struct parse *parse, const char *value)
{
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        if (strcmp(value, signals[i].name) == 0) {
            parse->line->signal = signals[i].number;
            return 0;
        }
    }
    fprintf(
        parse->errors,
        "%s: invalid option: \"-s %s\"; signals are stop, quit, reopen, "
        "reload and upgrade; -h tells more\n",
        parse->line->options.program, value);
    return -EINVAL;
}

static int
set_prefix(struct parse *parse, const char *value)
{
    parse->line->options.prefix = value;
    return 0;
}

static int
set_error_log(struct parse *parse, const char *value)
{
    parse->line->options.error_log = value;
    return 0;
}

static int
set_file(struct parse *parse, const char *value)
{
    parse->file = value;
    return 0;
}

static int
set_globals(struct parse *parse, const char *value)
{
    const char *before = parse->line->options.globals;

    parse->line->options.globals =
        before ? coh_arena_printf(parse->arena, "%s %s", before, value) : value;
    return 0;
}

static const struct option options[] = {
    {'?', false, NULL, NULL, set_help},
    {'h', false, NULL, "show this, or with a directive's name all about it",
     set_help},
    {'v', false, NULL, "show version and exit", set_version},
    {'V', false, NULL, "show version and configure options then exit",
     set_configure},
    {'t', false, NULL, "test configuration and exit", set_test},
    {'T', false, NULL, "test configuration, dump it and exit", set_dump},
    {'q', false, NULL, "suppress non-error messages during testing", set_quiet},
    {'s', true, "signal",
     "tell a running server: stop, quit, reopen, reload, upgrade", set_signal},
    {'p', true, "prefix", "where relative paths start", set_prefix},
    {'e', true, "filename", "error log until the configuration names one",
     set_error_log},
    {'c', true, "filename", "configuration file", set_file},
    {'g', true, "directives", "directives outside of the file", set_globals},
};

static const struct option *
find_option(char letter)
{
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (options[i].letter == letter) {
            return &options[i];
        }
    }
    return NULL;
}

/* "-tq", "-cFILE", "-c FILE": the letters of one word. */
static int
parse_word(struct parse *parse, const char *word)
{
    const char *program = parse->line->options.program;

    if (word[0] != '-' || word[1] == '\0') {
        fprintf(
            parse->errors, "%s: invalid option: \"%s\"; -h lists them\n",
            program, word);
        return -EINVAL;
    }
    for (const char *at = word + 1; *at; at++) {
        const struct option *option = find_option(*at);
        const char *value = NULL;
        int result;

        if (!option) {
            fprintf(
                parse->errors, "%s: invalid option: \"%c\"; -h lists them\n",
                program, *at);
            return -EINVAL;
        }
        if (option->has_value) {
            value = at[1] ? at + 1 : *parse->next;
            if (!value) {
                fprintf(
                    parse->errors,
                    "%s: option \"-%c\" requires %s; -h tells more\n", program,
                    *at, option->value_name);
                return -EINVAL;
            }
            parse->next += at[1] ? 0 : 1;
        }
        result = option->set(parse, value);
        if (result < 0 || value) {
            return result;
        }
    }
    return 0;
}

/* What everything relative hangs on. Only a relative one needs the folder that
   we are in, which may have been removed since the server was started there. */
static int
find_prefix(struct parse *parse)
{
    struct coh_options *made = &parse->line->options;
    char *folder;

    if (!made->prefix) {
        made->prefix = COHORT_PREFIX;
    }
    if (made->prefix[0] == '/') {
        return 0;
    }
    folder = getcwd(NULL, 0);
    if (!folder) {
        fprintf(
            parse->errors,
            "%s: cannot find the current directory: %s; give an absolute "
            "path with -p\n",
            made->program, strerror(errno));
        return -EINVAL;
    }
    made->prefix =
        coh_path_join(parse->arena, folder, cohort_str(made->prefix));
    free(folder);
    return 0;
}

static int
make_absolute(struct parse *parse)
{
    struct coh_options *made = &parse->line->options;
    int result = find_prefix(parse);

    if (result < 0) {
        return result;
    }
    if (parse->file) {
        made->file =
            coh_path_join(parse->arena, made->prefix, cohort_str(parse->file));
    }
    if (made->error_log && strcmp(made->error_log, "stderr") != 0) {
        made->error_log = coh_path_join(
            parse->arena, made->prefix, cohort_str(made->error_log));
    }
    return 0;
}

int
coh_command_line_parse(
    struct coh_command_line *line, struct coh_arena *arena, int argc,
    char **argv, FILE *errors)
{
    struct parse parse = {.line = line, .arena = arena, .errors = errors};

    *line =
        (struct coh_command_line){.arena = arena, .options.program = "cohort"};
    if (argc == 0) {
        return make_absolute(&parse);
    }
    line->options.program = argv[0];
    parse.next = argv + 1;
    while (*parse.next) {
        const char *word = *parse.next++;
        int result = parse_word(&parse, word);

        if (result < 0) {
            return result;
        }
    }
    return make_absolute(&parse);
}

char **
coh_command_line_words(const struct coh_options *made, struct coh_arena *arena)
{
    const char *const pairs[][2] = {
        {"-p", made->prefix},
        {"-c", made->file},
        {"-e", made->error_log},
        {"-g", made->globals}};
    char **words = coh_arena_alloc(arena, 10 * sizeof(*words));
    size_t count = 0;

    words[count++] = coh_arena_strdup(arena, made->program);
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        if (pairs[i][1]) {
            words[count++] = coh_arena_strdup(arena, pairs[i][0]);
            words[count++] = coh_arena_strdup(arena, pairs[i][1]);
        }
    }
    return words;
}

const char *
coh_options_path(
    const struct coh_options *made, struct coh_arena *arena,
    const char *compiled)
{
    const char *below = coh_path_below(COHORT_PREFIX, compiled);

    return below ? coh_path_join(arena, made->prefix, cohort_str(below))
                 : compiled;
}

static void
print_identity(FILE *out)
{
    fprintf(
        out,
        "cohort version: cohort/" COHORT_VERSION "\n"
        "nginx version: nginx/1.29.0 (compatible)\n");
}

void
coh_command_line_help(FILE *out, const char *program)
{
    print_identity(out);
    fprintf(
        out,
        "Usage: %s [-?hvVtTq] [-s signal] [-p prefix]\n"
        "              [-e filename] [-c filename] [-g directives]\n\n"
        "Options:\n",
        program);
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (options[i].letter == '?') {
            continue; /* another name of -h */
        }
        fprintf(
            out, "  -%c%s %-11s: %s\n", options[i].letter,
            options[i].letter == 'h' ? ",-?" : "   ",
            options[i].value_name ? options[i].value_name : "",
            options[i].help);
    }
    fprintf(
        out,
        "\nA server that runs is asked by \"%s ctl\" and watched by \"%s "
        "top\"; both take -h.\n"
        "Without a configuration file it serves hello world on "
        "http://127.0.0.1:8000/\n",
        program, program);
}

static const char *
sandbox_text(void)
{
    const char *library = coh_sandbox_library();

    return library ? library : "no libseccomp: worker_sandbox is off or basic";
}

void
coh_command_line_version(FILE *out, bool with_configure)
{
    print_identity(out);
    if (with_configure) {
        fprintf(
            out,
            "built by " COHORT_COMPILER "\n"
            "built with " OPENSSL_VERSION_TEXT "\n"
            "built with %s\n"
            "configure arguments: " COHORT_CONFIGURE_ARGUMENTS "\n",
            sandbox_text());
    }
}
