/* Renders errors: what, where, the line with a caret, how to mend it. */
#include "conf/report.h"

#include <stdio.h>
#include <stdlib.h>

#include "conf/token.h"
#include "core/check.h"

#define LINE_WIDTH 100 /* bytes of a source line that are shown */
#define CARET_MAX 80   /* further right the line's start is left out */
#define WORD_WIDTH 64  /* bytes of a word that is quoted */

/* Bytes that could disturb a terminal, a log or a message's form are shown as
   \xHH; UTF-8 stays as it is. */
static void
put_text(FILE *out, const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)data[i];

        if (c < 0x20 || c == 0x7f) {
            fprintf(out, "\\x%02X", c);
        } else {
            putc(c, out);
        }
    }
}

/* The line of that number, without its end. */
static struct cohort_str
line_of(struct cohort_str text, unsigned line)
{
    const char *start = text.data + coh_token_mark_size(text);
    const char *end = text.data + text.size;
    const char *stop;

    while (line > 1 && start < end) {
        const char *newline = memchr(start, '\n', (size_t)(end - start));

        if (newline == NULL) {
            return cohort_str_n(end, 0);
        }
        start = newline + 1;
        line--;
    }
    stop = start < end ? memchr(start, '\n', (size_t)(end - start)) : NULL;
    if (stop == NULL) {
        stop = end;
    }
    if (stop > start && stop[-1] == '\r') {
        stop--;
    }
    return cohort_str_n(start, (size_t)(stop - start));
}

static bool
is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* Not in the middle of a character. */
static size_t
start_of_character(struct cohort_str line, size_t index)
{
    while (index > 0 && is_continuation(line.data[index])) {
        index--;
    }
    return index;
}

/* One column on the screen for each character, so that the caret under it
   stands right: a tab or a control character is shown as one blank. */
static void
put_line(FILE *out, struct cohort_str line)
{
    for (size_t i = 0; i < line.size; i++) {
        unsigned char c = (unsigned char)line.data[i];

        putc(c < 0x20 || c == 0x7f ? ' ' : c, out);
    }
    putc('\n', out);
}

/* Of a line that is too long, the part around the place. */
static void
put_source_line(FILE *out, struct coh_conf_place place)
{
    struct cohort_str line = line_of(place.source->text, place.line);
    size_t caret = place.column - 1;
    size_t from = 0;

    if (caret > line.size) {
        caret = line.size;
    }
    if (caret > CARET_MAX) {
        from = start_of_character(line, caret - LINE_WIDTH / 2);
    }
    line.data += from;
    line.size -= from;
    caret -= from;
    if (line.size > LINE_WIDTH) {
        line.size = start_of_character(line, LINE_WIDTH);
    }
    fprintf(out, "\n%5u | ", place.line);
    put_line(out, line);
    fputs("      | ", out);
    for (size_t i = 0; i < caret; i++) {
        if (!is_continuation(line.data[i])) {
            putc(' ', out);
        }
    }
    putc('^', out);
}

/* The part that scripts which know nginx look for. */
static void
put_place(FILE *out, const char *name, unsigned line, unsigned column)
{
    fputs(" in ", out);
    put_text(out, name, strlen(name));
    if (line > 0) {
        fprintf(out, ":%u:%u", line, column);
    }
}

static void
put_include_chain(FILE *out, const struct coh_source *source)
{
    while (source->includer != NULL) {
        fputs("\n  included", out);
        put_place(out, source->includer->name, source->line, source->column);
        source = source->includer;
    }
}

static void
put_hints(FILE *out, const char *hints)
{
    while (*hints != '\0') {
        size_t size = strcspn(hints, "\n");

        fputs("\n  ", out);
        put_text(out, hints, size);
        hints += size + (hints[size] == '\n');
    }
}

static void
render(FILE *out, struct coh_conf_place place, const char *text)
{
    size_t size = strcspn(text, "\n");
    const char *hints = text + size + (text[size] == '\n');

    put_text(out, text, size);
    if (place.source != NULL) {
        put_place(out, place.source->name, place.line, place.column);
        if (place.line > 0) {
            put_source_line(out, place);
        }
    }
    put_hints(out, hints);
    if (place.source != NULL) {
        put_include_chain(out, place.source);
    }
}

void
coh_conf_report_v(
    struct coh_conf_report *report, bool is_error, struct coh_conf_place place,
    const char *format, va_list arguments)
{
    unsigned *count = is_error ? &report->error_count : &report->warning_count;
    char *text = NULL;
    char *told = NULL;
    size_t told_size = 0;
    FILE *out;

    if (++*count > COH_CONF_REPORT_MAX) {
        return;
    }
    COH_CHECK(vasprintf(&text, format, arguments) >= 0);
    out = open_memstream(&told, &told_size);
    COH_CHECK(out != NULL);
    render(out, place, text);
    COH_CHECK(fclose(out) == 0);
    report->tell(report->user, is_error, told);
    free(told);
    free(text);
}

void
coh_conf_report(
    struct coh_conf_report *report, bool is_error, struct coh_conf_place place,
    const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    coh_conf_report_v(report, is_error, place, format, arguments);
    va_end(arguments);
}

const char *
coh_conf_report_word(struct coh_arena *arena, struct cohort_str word)
{
    size_t size = word.size < WORD_WIDTH ? word.size : WORD_WIDTH;
    char *text;
    char *shown;
    size_t shown_size;
    FILE *out = open_memstream(&text, &shown_size);

    COH_CHECK(out != NULL);
    put_text(out, word.data, size);
    fputs(size < word.size ? "..." : "", out);
    COH_CHECK(fclose(out) == 0);
    shown = coh_arena_strdup(arena, text);
    free(text);
    return shown;
}

static void
tell_rest(
    struct coh_conf_report *report, bool is_error, unsigned count,
    const char *what)
{
    char text[64];
    unsigned rest;

    if (count > COH_CONF_REPORT_MAX) {
        rest = count - COH_CONF_REPORT_MAX;
        snprintf(
            text, sizeof(text), "and %u more %s%s", rest, what,
            rest == 1 ? "" : "s");
        report->tell(report->user, is_error, text);
    }
}

void
coh_conf_report_end(struct coh_conf_report *report)
{
    tell_rest(report, true, report->error_count, "error");
    tell_rest(report, false, report->warning_count, "warning");
}
