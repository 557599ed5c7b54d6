/* Cuts a configuration text into words, ";", "{" and "}". */
#include "conf/token.h"

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

size_t
coh_token_mark_size(struct cohort_str text)
{
    static const char mark[] = "\xef\xbb\xbf";
    size_t size = sizeof(mark) - 1;

    return text.size >= size && memcmp(text.data, mark, size) == 0 ? size : 0;
}

void
coh_token_reader_init(struct coh_token_reader *reader, struct cohort_str text)
{
    if (text.data == NULL) {
        text = cohort_str_n("", 0); /* tokens point into it all the same */
    }
    *reader = (struct coh_token_reader){.text = text, .line = 1};
    reader->offset = coh_token_mark_size(text);
    reader->line_start = reader->offset;
}

static bool
is_at_end(const struct coh_token_reader *reader)
{
    return reader->offset >= reader->text.size;
}

static char
peek(const struct coh_token_reader *reader)
{
    return reader->text.data[reader->offset];
}

/* Step over one byte; the only place that counts lines. */
static void
step(struct coh_token_reader *reader)
{
    if (peek(reader) == '\n') {
        reader->line++;
        reader->line_start = reader->offset + 1;
    }
    reader->offset++;
}

static void
skip_blanks_and_comments(struct coh_token_reader *reader)
{
    bool is_comment = false;

    while (!is_at_end(reader)) {
        char c = peek(reader);

        if (c == '\n') {
            is_comment = false;
        } else if (c == '#') {
            is_comment = true;
        } else if (c == '\0' || (!is_comment && !is_blank(c))) {
            return;
        }
        step(reader);
    }
}

/* A token that starts here and is one byte, which is left to the caller. */
static void
begin(const struct coh_token_reader *reader, struct coh_token *token)
{
    *token = (struct coh_token){
        .kind = COH_TOKEN_WORD,
        .text = cohort_str_n(
            reader->text.data + reader->offset, is_at_end(reader) ? 0 : 1),
        .line = reader->line,
        .column = (unsigned)(reader->offset - reader->line_start) + 1,
    };
}

static void
spoil(struct coh_token *token, enum coh_token_problem problem)
{
    token->kind = COH_TOKEN_BAD;
    token->problem = problem;
}

/* A backslash takes the next byte with it. */
static void
step_maybe_escaped(struct coh_token_reader *reader)
{
    bool is_escape = peek(reader) == '\\';

    step(reader);
    if (is_escape && !is_at_end(reader) && peek(reader) != '\0') {
        step(reader);
    }
}

/* Up to the closing quote; the token keeps what is between. */
static void
read_quoted(struct coh_token_reader *reader, struct coh_token *token)
{
    char quote = peek(reader);
    size_t start;

    step(reader);
    start = reader->offset;
    while (!is_at_end(reader) && peek(reader) != quote) {
        if (peek(reader) == '\0') {
            begin(reader, token);
            spoil(token, COH_TOKEN_HAS_NUL);
            step(reader);
            return;
        }
        step_maybe_escaped(reader);
    }
    if (is_at_end(reader)) {
        spoil(token, COH_TOKEN_NOT_CLOSED);
        return;
    }
    token->text =
        cohort_str_n(reader->text.data + start, reader->offset - start);
    token->is_quoted = true;
    step(reader);
    reader->after_quote = true;
}

/* Up to a blank, ";" or "{"; the brace of "${" belongs to the word, as do a
   quote, "#" and "}" in the middle. */
static void
read_bare(struct coh_token_reader *reader, struct coh_token *token)
{
    size_t start = reader->offset;
    bool after_dollar = false;

    while (!is_at_end(reader)) {
        char c = peek(reader);

        if (c == '\0' || is_blank(c) || c == ';' ||
            (c == '{' && !after_dollar)) {
            break;
        }
        after_dollar = c == '$' || (c == '{' && after_dollar);
        step_maybe_escaped(reader);
    }
    token->text =
        cohort_str_n(reader->text.data + start, reader->offset - start);
}

static void
read_word(struct coh_token_reader *reader, struct coh_token *token)
{
    char first = peek(reader);

    if (first == '"' || first == '\'') {
        read_quoted(reader, token);
    } else {
        read_bare(reader, token);
    }
    if (token->kind == COH_TOKEN_WORD && token->text.size > COH_WORD_SIZE_MAX) {
        spoil(token, COH_TOKEN_TOO_LONG);
    }
}

/* ")" may follow a quoted word, as in: if ($x = "y") { */
static bool
may_follow_quote(char c)
{
    return is_blank(c) || c == ';' || c == '{' || c == ')';
}

void
coh_token_next(struct coh_token_reader *reader, struct coh_token *token)
{
    bool after_quote = reader->after_quote;

    reader->after_quote = false;
    if (after_quote && !is_at_end(reader) && !may_follow_quote(peek(reader))) {
        begin(reader, token);
        spoil(token, COH_TOKEN_NOT_SEPARATED);
        return;
    }
    skip_blanks_and_comments(reader);
    begin(reader, token);
    if (is_at_end(reader)) {
        token->kind = COH_TOKEN_END;
        return;
    }
    switch (peek(reader)) {
    case ';':
        token->kind = COH_TOKEN_SEMICOLON;
        break;
    case '{':
        token->kind = COH_TOKEN_OPEN;
        break;
    case '}':
        token->kind = COH_TOKEN_CLOSE;
        break;
    case '\0':
        spoil(token, COH_TOKEN_HAS_NUL);
        break;
    default:
        read_word(reader, token);
        return;
    }
    step(reader);
}

/* What a backslash and c stand for, or -1 if the backslash stays. */
static int
escaped(char c)
{
    switch (c) {
    case '"':
    case '\'':
    case '\\':
        return (unsigned char)c;
    case 't':
        return '\t';
    case 'r':
        return '\r';
    case 'n':
        return '\n';
    default:
        return -1;
    }
}

struct cohort_str
coh_token_resolve(struct coh_arena *arena, const struct coh_token *token)
{
    struct cohort_str raw = token->text;
    char *data = coh_arena_alloc(arena, raw.size + 1);
    size_t size = 0;

    for (size_t i = 0; i < raw.size; i++) {
        int meant = -1;

        if (raw.data[i] == '\\' && i + 1 < raw.size) {
            meant = escaped(raw.data[i + 1]);
        }
        if (meant >= 0) {
            i++;
        }
        data[size++] = meant >= 0 ? (char)meant : raw.data[i];
    }
    data[size] = '\0';
    return cohort_str_n(data, size);
}
