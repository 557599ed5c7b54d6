/* From configuration text to settings: the door of this folder. */
#ifndef COH_CONF_APPLY_H
#define COH_CONF_APPLY_H

#include <cohort/conf.h>

#include "core/arena.h"

/* Where the text comes from and whom to tell. */
struct coh_conf_options {
    const char *file;          /* of -c, made absolute; NULL: text instead */
    struct cohort_str text;    /* the embedded configuration */
    const char *text_name;     /* what errors call it: "embedded" */
    const char *prefix;        /* absolute, for cohort_conf_prefix_path */
    struct cohort_str globals; /* -g, applied before the file */
    /* All modules, in running order; ends with NULL. Their index is given
       here, by their place. */
    struct cohort_module *const *modules;
    /* One call per message: is_error or a warning. The first line of text is
       the message with " in FILE:LINE:COLUMN"; others may follow (source line,
       caret, hints, include chain); no newline at the end. */
    void (*tell)(void *user, bool is_error, const char *text);
    void *user;
};

/* A file that was read: for -T, and for the digest of a generation. */
struct coh_conf_file {
    const char *path;
    struct cohort_str content;
};

/* What was made. Everything lives in the arena. */
struct coh_conf {
    struct coh_arena *arena;
    void *const *settings;       /* of the main context, by module->index */
    void *object;                /* of the main context, as given */
    struct coh_conf_file *files; /* each once, in the order of reading */
    size_t file_count;
    unsigned error_count;
    unsigned warning_count;
};

/*
 * Read, parse and apply. All errors of the run are told, not only the first.
 *
 * object   What cohort_conf_object(conf, COHORT_IN_MAIN) gives to directives.
 * Returns  0; -EINVAL when there were errors (they have been told; result is
 *          filled as far as it came, and must be freed, too).
 */
int coh_conf_load(
    const struct coh_conf_options *options, void *object,
    struct coh_conf *result);

/* Free the arena and everything in it. */
void coh_conf_free(struct coh_conf *conf);

#endif
