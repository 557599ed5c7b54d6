/* The lowest level of the configuration language: words, ";", "{" and "}". */
#ifndef COH_CONF_TOKEN_H
#define COH_CONF_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include <cohort/str.h>

#include "core/arena.h"

#define COH_WORD_SIZE_MAX 65535 /* bytes, quotes and escapes counted */

enum coh_token_kind {
    COH_TOKEN_WORD,
    COH_TOKEN_SEMICOLON,
    COH_TOKEN_OPEN,
    COH_TOKEN_CLOSE,
    COH_TOKEN_END, /* of the text */
    COH_TOKEN_BAD, /* .problem says why; reading can go on after it */
};

enum coh_token_problem {
    COH_TOKEN_FINE,
    COH_TOKEN_NOT_SEPARATED, /* text: the byte found behind a quoted word */
    COH_TOKEN_NOT_CLOSED,    /* text: the quote that has no partner */
    COH_TOKEN_TOO_LONG,      /* text: the whole word */
    COH_TOKEN_HAS_NUL,       /* text: the NUL byte */
};

struct coh_token {
    enum coh_token_kind kind;
    enum coh_token_problem problem;
    struct cohort_str text; /* as written, without the quotes around it */
    unsigned line;          /* where it begins, from 1; a quote counts */
    unsigned column;        /* in bytes, from 1 */
    bool is_quoted;
};

/* Reads tokens from a text, which must outlive it. Fields are its own. */
struct coh_token_reader {
    struct cohort_str text;
    size_t offset;
    size_t line_start; /* offset of the current line's first byte */
    unsigned line;
    bool after_quote; /* a quoted word has ended just here */
};

/* Some editors begin a file with U+FEFF, which says nothing: its bytes, or
   0. */
size_t coh_token_mark_size(struct cohort_str text);

void coh_token_reader_init(
    struct coh_token_reader *reader, struct cohort_str text);

/* The next token; after the last one COH_TOKEN_END, ever again. */
void coh_token_next(struct coh_token_reader *reader, struct coh_token *token);

/*
 * What the word means: \" \' \\ stand for the second character, \t \r \n for
 * the control characters; any other backslash stays, as regular expressions
 * need it. Variables stay too. A copy with a NUL behind it.
 */
struct cohort_str coh_token_resolve(
    struct coh_arena *arena, const struct coh_token *token);

#endif
