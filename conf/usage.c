/* Checks a directive against its row: known, allowed here, formed right; and
   says what was probably meant. */
#include "conf/usage.h"

#include "core/str.h"

/* Looking for the nearest name takes a while, and a file of something else has
   many unknown ones. */
static void
tell_unknown(struct cohort_conf *conf, const struct coh_conf_node *node)
{
    struct cohort_str name = node->words[0].text;
    const char *shown = coh_conf_report_word(conf->arena, name);
    const char *nearest = NULL;

    if (!coh_conf_report_is_full(&conf->report)) {
        nearest = coh_directives_nearest(
            &conf->directives, name, conf->scope->context);
    }
    if (nearest == NULL) {
        coh_conf_report(
            &conf->report, true, coh_word_place(node, 0),
            "unknown directive \"%s\"", shown);
    } else {
        coh_conf_report(
            &conf->report, true, coh_word_place(node, 0),
            "unknown directive \"%s\"\ndid you mean \"%s\"?", shown, nearest);
    }
}

const struct coh_directive_entry *
coh_usage_find(struct cohort_conf *conf, const struct coh_conf_node *node)
{
    const struct coh_directive_entry *entry;
    size_t count;

    entry = coh_directives_find(&conf->directives, node->words[0].text, &count);
    for (size_t i = 0; i < count; i++) {
        if ((entry[i].row->where & conf->scope->context) != 0) {
            return &entry[i];
        }
    }
    if (entry == NULL) {
        tell_unknown(conf, node);
    }
    return entry;
}

/* The contexts of all rows of that name. */
static unsigned
contexts_of(const struct cohort_conf *conf, const char *name)
{
    const struct coh_directive_entry *entry;
    unsigned contexts = 0;
    size_t count;

    entry = coh_directives_find(&conf->directives, cohort_str(name), &count);
    for (size_t i = 0; i < count; i++) {
        contexts |= entry[i].row->where;
    }
    return contexts;
}

/* From when on it is known that this block is the one. */
static enum cohort_conf_read_at
known_at(unsigned context)
{
    switch (context) {
    case COHORT_IN_LOCATION:
    case COHORT_IN_IF:
    case COHORT_IN_LIMIT_EXCEPT:
        return COHORT_READ_LOCATION;
    case COHORT_IN_SERVER_IF:
        return COHORT_READ_HOST;
    default:
        return COHORT_READ_LOAD;
    }
}

static bool
is_read_too_early(const struct cohort_directive *row, unsigned context)
{
    return row->read_at != COHORT_READ_LOAD && row->read_at < known_at(context);
}

static bool
check_context(
    struct cohort_conf *conf, const struct cohort_directive *row,
    struct coh_conf_place place)
{
    unsigned context = conf->scope->context;

    if ((row->where & context) == 0) {
        coh_conf_report(
            &conf->report, true, place,
            "\"%s\" directive is not allowed here\n"
            "here is %s; it is allowed in %s",
            row->name, coh_context_names(conf->arena, context),
            coh_context_names(conf->arena, contexts_of(conf, row->name)));
        return false;
    }
    if (is_read_too_early(row, context)) {
        coh_conf_report(
            &conf->report, true, place,
            "\"%s\" directive is not allowed here\n"
            "it is needed before it is known that the request comes here: "
            "set it for the server",
            row->name);
        return false;
    }
    return true;
}

/* A directive that runs on over the name of another one, at the start of a
   line, lacks its ";". The index of the word before it, or word_count. */
static size_t
find_missing_semicolon(
    const struct cohort_conf *conf, const struct coh_conf_node *node)
{
    size_t count;

    for (size_t i = 1; i < node->word_count; i++) {
        if (node->words[i].line > node->words[i - 1].line &&
            coh_directives_find(
                &conf->directives, node->words[i].text, &count) != NULL) {
            return i - 1;
        }
    }
    return node->word_count;
}

/* A further hint line, or "". */
static const char *
missing_semicolon_hint(
    struct cohort_conf *conf, const struct coh_conf_node *node)
{
    size_t index = find_missing_semicolon(conf, node);

    if (index == node->word_count) {
        return "";
    }
    return coh_arena_printf(
        conf->arena, "\nis a \";\" missing after \"%s\" in line %u?",
        coh_conf_report_word(conf->arena, node->words[index].text),
        node->words[index].line);
}

static bool
check_form(
    struct cohort_conf *conf, const struct cohort_directive *row,
    const struct coh_conf_node *node)
{
    if (coh_directive_is_block(row) == node->is_block) {
        return true;
    }
    coh_conf_report(
        &conf->report, true, coh_word_place(node, 0),
        node->is_block ? "directive \"%s\" is not terminated by \";\"%s"
                       : "directive \"%s\" has no opening \"{\"%s",
        row->name, missing_semicolon_hint(conf, node));
    return false;
}

static bool
check_count(
    struct cohort_conf *conf, const struct cohort_directive *row,
    const struct coh_conf_node *node)
{
    size_t count = node->word_count - 1;

    if (count >= row->args.min &&
        (count <= row->args.max || row->args.max == COHORT_ARGS_ANY)) {
        return true;
    }
    coh_conf_report(
        &conf->report, true, coh_word_place(node, 0),
        "invalid number of arguments in \"%s\" directive\n"
        "its form is: %s%s",
        row->name, coh_directive_form(conf->arena, row),
        missing_semicolon_hint(conf, node));
    return false;
}

bool
coh_usage_check(
    struct cohort_conf *conf, const struct coh_directive_entry *entry,
    const struct coh_conf_node *node)
{
    return check_context(conf, entry->row, coh_word_place(node, 0)) &&
        check_form(conf, entry->row, node) &&
        check_count(conf, entry->row, node);
}
