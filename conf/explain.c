/* Prints what the directive tables know: for -h and for the manual page. */
#include "conf/explain.h"

#include <errno.h>
#include <string.h>

#include "conf/directives.h"
#include "core/str.h"

#define ARENA_BLOCK_SIZE 4096
#define NAME_WIDTH 30 /* columns of a directive's name in the list */

static const char *const kind_texts[] = {
    [COHORT_KIND_ONCE] = "once in a block",
    [COHORT_KIND_ARRAY] = "any number of times, replaces what is inherited",
    [COHORT_KIND_ADD] = "any number of times",
};

static const char *const read_texts[] = {
    [COHORT_READ_LOAD] = "when the configuration is loaded",
    [COHORT_READ_ACCEPT] = "when a connection comes, from the default server",
    [COHORT_READ_SNI] = "when TLS has named the server",
    [COHORT_READ_HOST] = "when Host has named the server",
    [COHORT_READ_LOCATION] = "when the location is known",
};

/* For a row that only lets nginx's configurations pass, with why. */
static const char *
help_of(struct coh_arena *arena, const struct cohort_directive *row)
{
    const char *help = row->help != NULL ? row->help : "";

    if (!row->has_no_effect) {
        return help;
    }
    return coh_arena_printf(
        arena, "Accepted as in nginx; has no effect here.%s%s",
        help[0] != '\0' ? " " : "", help);
}

static void
explain_row(
    FILE *out, struct coh_arena *arena, const struct coh_directive_entry *entry)
{
    const struct cohort_directive *row = entry->row;

    fprintf(out, "Syntax:   %s\n", coh_directive_form(arena, row));
    if (row->default_value != NULL) {
        fprintf(out, "Default:  %s %s;\n", row->name, row->default_value);
    }
    fprintf(out, "Context:  %s\n", coh_context_names(arena, row->where));
    fprintf(out, "Given:    %s\n", kind_texts[row->kind]);
    if (row->inherit == COHORT_INHERIT_NEVER) {
        fputs("Inherit:  never by blocks inside\n", out);
    }
    if (row->read_at != COHORT_READ_LOAD) {
        fprintf(out, "Read:     %s\n", read_texts[row->read_at]);
    }
    fprintf(
        out, "Module:   %s\n\n%s\n", entry->module->name, help_of(arena, row));
}

/* Names that hold the word, else the one that is spelled most like it. */
static void
suggest(FILE *out, const struct coh_directives *all, const char *name)
{
    const char *before = NULL;
    const char *nearest;

    for (size_t i = 0; i < all->count; i++) {
        const char *other = all->entries[i].row->name;

        if (strstr(other, name) != NULL &&
            (before == NULL || strcmp(before, other) != 0)) {
            fprintf(out, "%s%s", before == NULL ? "there is: " : ", ", other);
            before = other;
        }
    }
    if (before != NULL) {
        fputc('\n', out);
        return;
    }
    nearest = coh_directives_nearest(all, cohort_str(name), 0);
    if (nearest != NULL) {
        fprintf(out, "did you mean \"%s\"?\n", nearest);
    }
}

int
coh_conf_explain(
    FILE *out, struct cohort_module *const *modules, const char *name)
{
    struct coh_arena *arena = coh_arena_new(ARENA_BLOCK_SIZE);
    const struct coh_directive_entry *entry;
    struct coh_directives all;
    size_t count;

    coh_directives_init(&all, arena, modules);
    entry = coh_directives_find(&all, cohort_str(name), &count);
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            fputc('\n', out);
        }
        explain_row(out, arena, &entry[i]);
    }
    if (entry == NULL) {
        fprintf(out, "unknown directive \"%s\"\n", name);
        suggest(out, &all, name);
    }
    coh_arena_free(arena);
    return entry != NULL ? 0 : -ENOENT;
}

static bool
has_directives(const struct cohort_module *module)
{
    return module->directives != NULL && module->directives[0].name != NULL;
}

static void
list_module(
    FILE *out, struct coh_arena *arena, const struct cohort_module *module)
{
    const struct cohort_directive *row = module->directives;

    fprintf(out, "%s\n", module->name);
    for (; row->name != NULL; row++) {
        fprintf(out, "  %-*s %s\n", NAME_WIDTH, row->name, help_of(arena, row));
    }
}

void
coh_conf_explain_all(FILE *out, struct cohort_module *const *modules)
{
    struct coh_arena *arena = coh_arena_new(ARENA_BLOCK_SIZE);
    bool is_first = true;

    for (; *modules != NULL; modules++) {
        if (has_directives(*modules)) {
            fputs(is_first ? "" : "\n", out);
            list_module(out, arena, *modules);
            is_first = false;
        }
    }
    coh_arena_free(arena);
}

/* Text that mdoc takes literally; each sentence on a line of its own, as it
   asks for; without a space at the end. */
static void
put_mdoc(FILE *out, const char *text)
{
    bool is_line_start = true;

    for (; *text != '\0'; text++) {
        if (is_line_start && (*text == '.' || *text == '\'')) {
            fputs("\\&", out);
        }
        is_line_start = text[0] == '.' && text[1] == ' ';
        if (*text == '\\') {
            fputs("\\e", out);
        } else if (is_line_start) {
            fputs(".\n", out);
            text++;
        } else {
            fputc(*text, out);
        }
    }
}

/* As one argument of a macro. */
static void
put_mdoc_argument(FILE *out, const char *text)
{
    fputs(" \"", out);
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '"':
            fputs("\"\"", out);
            break;
        case '\\':
            fputs("\\e", out);
            break;
        default:
            fputc(*text, out);
        }
    }
    fputc('"', out);
}

static void
put_mdoc_row(
    FILE *out, struct coh_arena *arena, const struct cohort_directive *row)
{
    fputs(".It Ic", out);
    put_mdoc_argument(out, row->name);
    if (row->usage != NULL && row->usage[0] != '\0') {
        fputs(" Ar", out);
        put_mdoc_argument(out, row->usage);
    }
    fputc('\n', out);
    put_mdoc(out, help_of(arena, row));
    if (row->default_value != NULL) {
        fputs("\nDefault:\n.Ql", out);
        put_mdoc_argument(out, row->default_value);
        fputs(" .", out);
    }
    fprintf(
        out, "\nContext: %s;\ngiven %s%s.\n",
        coh_context_names(arena, row->where), kind_texts[row->kind],
        row->inherit == COHORT_INHERIT_NEVER ? "; never inherited" : "");
    if (row->read_at != COHORT_READ_LOAD) {
        fprintf(out, "Read %s.\n", read_texts[row->read_at]);
    }
}

void
coh_conf_explain_mdoc(FILE *out, struct cohort_module *const *modules)
{
    struct coh_arena *arena = coh_arena_new(ARENA_BLOCK_SIZE);

    for (; *modules != NULL; modules++) {
        const struct cohort_directive *row = (*modules)->directives;

        if (!has_directives(*modules)) {
            continue;
        }
        fputs(".Ss Module", out);
        put_mdoc_argument(out, (*modules)->name);
        fputs("\n.Bl -tag -width Ds\n", out);
        for (; row->name != NULL; row++) {
            put_mdoc_row(out, arena, row);
        }
        fputs(".El\n", out);
    }
    coh_arena_free(arena);
}
