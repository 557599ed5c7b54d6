/* What was asked for on the command line: nginx's options, and paths made
   absolute. */
#ifndef COH_SERVER_COMMAND_LINE_H
#define COH_SERVER_COMMAND_LINE_H

#include <stdbool.h>
#include <stdio.h>

#include <cohort/str.h>

struct coh_arena;

/* What a configuration is loaded with; the same for all generations. */
struct coh_options {
    const char *program;    /* the first word of the command line */
    const char *prefix;     /* absolute */
    const char *file;       /* absolute; NULL: text */
    struct cohort_str text; /* the embedded or a program's configuration */
    const char *text_name;  /* what errors call it */
    /* Where the pid goes that belongs to text; NULL: nowhere. */
    const char *text_pid_path;
    /* -e: absolute, or "stderr"; NULL: not given. */
    const char *error_log;
    const char *globals; /* -g; NULL: none */
};

struct coh_command_line {
    struct coh_arena *arena; /* the texts are there */
    struct coh_options options;
    bool is_test;  /* -t or -T */
    bool is_dump;  /* -T */
    bool is_quiet; /* -q */
    bool wants_help;
    bool wants_version;    /* -v or -V */
    bool wants_configure;  /* -V */
    const char *directive; /* -h DIRECTIVE */
    int signal;            /* -s; 0: none */
};

/*
 * Parse argv. Texts live in the arena; options.file is only what -c said.
 *
 * errors   Gets one line per wrong option.
 * Returns  0 or -EINVAL.
 */
int coh_command_line_parse(
    struct coh_command_line *line, struct coh_arena *arena, int argc,
    char **argv, FILE *errors);

/* The words that make the same options again, for executing the program anew;
   ends with NULL. */
char **coh_command_line_words(
    const struct coh_options *options, struct coh_arena *arena);

/* A path that was compiled in below COHORT_PREFIX, below the prefix of now. */
const char *coh_options_path(
    const struct coh_options *options, struct coh_arena *arena,
    const char *compiled);

void coh_command_line_help(FILE *out, const char *program);

/* -v; with_configure adds what -V tells. */
void coh_command_line_version(FILE *out, bool with_configure);

#endif
