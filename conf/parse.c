/* Parses configuration text to a tree; after an error it finds its feet again
   at the next ";" or block. */
#include "conf/tree.h"

#include "conf/token.h"
#include "core/str.h"

/* One source being parsed. */
struct parse {
    struct coh_tree *tree;
    const struct coh_source *source;
    struct coh_token_reader reader;
    bool has_told_end; /* that the text ends too early */
};

/* A block that is open, and the one around it in the same source. */
struct open_block {
    const struct coh_conf_node *node;
    const struct open_block *outer;
};

/* Reading one directive ends it, and perhaps the block that it stands in. */
enum ending {
    STATEMENT_ENDED,
    BLOCK_ENDED,
};

static enum ending parse_statement(
    struct parse *parse, struct coh_token *token,
    struct coh_conf_node_list *list, const struct open_block *block);

static struct coh_conf_place
token_place(const struct parse *parse, const struct coh_token *token)
{
    return (struct coh_conf_place){
        .source = parse->source,
        .line = token->line,
        .column = token->column,
    };
}

__attribute__((format(printf, 3, 4))) static void
tell(
    struct parse *parse, const struct coh_token *token, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    coh_conf_report_v(
        parse->tree->report, true, token_place(parse, token), format,
        arguments);
    va_end(arguments);
}

static void
tell_bad_token(struct parse *parse, const struct coh_token *token)
{
    const char *word = coh_conf_report_word(parse->tree->arena, token->text);

    switch (token->problem) {
    case COH_TOKEN_NOT_SEPARATED:
        tell(
            parse, token,
            "unexpected \"%s\"\n"
            "a quoted word ends just before: a blank or \";\" must follow, "
            "or a quote is missing further up",
            word);
        break;
    case COH_TOKEN_NOT_CLOSED:
        parse->has_told_end = true;
        tell(
            parse, token,
            "unexpected end of %s, expecting \";\" or \"}\"\n"
            "the quote that opens here is never closed",
            parse->source->is_parameter ? "parameter" : "file");
        break;
    case COH_TOKEN_TOO_LONG:
        tell(
            parse, token,
            "too long parameter \"%.10s...\" started\n"
            "a word has at most %d bytes",
            word, COH_WORD_SIZE_MAX);
        break;
    case COH_TOKEN_HAS_NUL:
        tell(
            parse, token,
            "unexpected NUL byte\n"
            "a configuration is text: save it as UTF-8");
        break;
    case COH_TOKEN_FINE:
        break;
    }
}

/* An opened block and all that is in it. */
static void
skip_block(struct parse *parse)
{
    struct coh_token token;
    unsigned depth = 1;

    do {
        coh_token_next(&parse->reader, &token);
        if (token.kind == COH_TOKEN_OPEN) {
            depth++;
        } else if (token.kind == COH_TOKEN_CLOSE) {
            depth--;
        }
    } while (depth > 0 && token.kind != COH_TOKEN_END);
}

/* What is left of a directive that is broken. */
static enum ending
skip_statement(struct parse *parse)
{
    struct coh_token token;

    for (;;) {
        coh_token_next(&parse->reader, &token);
        switch (token.kind) {
        case COH_TOKEN_OPEN:
            skip_block(parse);
            return STATEMENT_ENDED;
        case COH_TOKEN_SEMICOLON:
        case COH_TOKEN_END: /* which comes again */
            return STATEMENT_ENDED;
        case COH_TOKEN_CLOSE:
            return BLOCK_ENDED;
        case COH_TOKEN_WORD:
        case COH_TOKEN_BAD:
            break;
        }
    }
}

/* One error for all the blocks that the end of the text leaves open. */
static void
tell_end(
    struct parse *parse, const struct coh_token *token, const char *expecting,
    const struct open_block *block)
{
    struct coh_arena *arena = parse->tree->arena;
    const char *hints = "";

    if (parse->has_told_end) {
        return;
    }
    parse->has_told_end = true;
    for (; block != NULL; block = block->outer) {
        const struct coh_word *name = &block->node->words[0];

        hints = coh_arena_printf(
            arena, "%s\nthe block \"%s\" of line %u is not closed", hints,
            coh_conf_report_word(arena, name->text), name->line);
    }
    tell(
        parse, token, "unexpected end of %s, expecting %s%s",
        parse->source->is_parameter ? "parameter" : "file", expecting, hints);
}

/* The directives up to the "}" of the block, or to the end of the source. */
static void
parse_nodes(
    struct parse *parse, struct coh_conf_node_list *list,
    const struct open_block *block)
{
    struct coh_token token;

    for (;;) {
        coh_token_next(&parse->reader, &token);
        switch (token.kind) {
        case COH_TOKEN_WORD:
            if (parse_statement(parse, &token, list, block) == BLOCK_ENDED &&
                block != NULL) {
                return;
            }
            break;
        case COH_TOKEN_CLOSE:
            if (block != NULL) {
                return;
            }
            tell(
                parse, &token,
                "unexpected \"}\"\n"
                "no block is open here: is there a \"}\" too many further up?");
            break;
        case COH_TOKEN_SEMICOLON:
            tell(parse, &token, "unexpected \";\"");
            break;
        case COH_TOKEN_OPEN:
            tell(parse, &token, "unexpected \"{\"");
            skip_block(parse);
            break;
        case COH_TOKEN_BAD:
            tell_bad_token(parse, &token);
            if (skip_statement(parse) == BLOCK_ENDED && block != NULL) {
                return;
            }
            break;
        case COH_TOKEN_END:
            if (block != NULL) {
                tell_end(parse, &token, "\"}\"", block);
            }
            return;
        }
    }
}

static bool
is_include(const struct coh_conf_node *node)
{
    return coh_str_is(node->words[0].text, "include");
}

/* A directive has been read up to its ";" or what stands for it. */
static void
add_simple(
    struct parse *parse, struct coh_conf_node *node,
    struct coh_conf_node_list *list)
{
    if (is_include(node)) {
        coh_include(parse->tree, node, list);
    } else {
        STAILQ_INSERT_TAIL(list, node, link);
    }
}

/* A directive has been read up to its "{". */
static void
add_block(
    struct parse *parse, struct coh_conf_node *node,
    struct coh_conf_node_list *list, const struct open_block *outer)
{
    struct open_block block = {.node = node, .outer = outer};
    struct coh_tree *tree = parse->tree;

    if (is_include(node)) {
        coh_conf_report(
            tree->report, true, coh_word_place(node, 0),
            "directive \"include\" is not terminated by \";\"");
        skip_block(parse);
        return;
    }
    if (tree->depth >= COH_CONF_DEPTH_MAX) {
        coh_conf_report(
            tree->report, true, coh_word_place(node, 0),
            "too many nested blocks\n%d are the limit", COH_CONF_DEPTH_MAX);
        skip_block(parse);
        return;
    }
    node->is_block = true;
    STAILQ_INSERT_TAIL(list, node, link);
    tree->depth++;
    parse_nodes(parse, &node->children, &block);
    tree->depth--;
}

static struct coh_conf_node *
make_node(const struct parse *parse, size_t word_count)
{
    struct coh_arena *arena = parse->tree->arena;
    struct coh_conf_node *node = coh_arena_alloc(arena, sizeof(*node));

    node->source = parse->source;
    node->words = coh_arena_copy(
        arena, parse->tree->words, word_count * sizeof(*node->words));
    node->word_count = word_count;
    STAILQ_INIT(&node->children);
    return node;
}

/* Gather words from token on, up to what is no word. Returns how many; more
   than fit are counted, not kept. */
static size_t
read_words(struct parse *parse, struct coh_token *token)
{
    struct coh_tree *tree = parse->tree;
    size_t count = 0;

    while (token->kind == COH_TOKEN_WORD) {
        if (count < COH_CONF_WORDS_MAX) {
            tree->words[count] = (struct coh_word){
                .text = coh_token_resolve(tree->arena, token),
                .line = token->line,
                .column = token->column,
            };
        }
        count++;
        coh_token_next(&parse->reader, token);
    }
    return count;
}

static void
tell_missing_semicolon(
    struct parse *parse, const struct coh_token *token,
    const struct coh_conf_node *node)
{
    const struct coh_word *last = &node->words[node->word_count - 1];

    tell(
        parse, token,
        "unexpected \"}\"\n"
        "is a \";\" missing after \"%s\" in line %u?",
        coh_conf_report_word(parse->tree->arena, last->text), last->line);
}

static enum ending
parse_statement(
    struct parse *parse, struct coh_token *token,
    struct coh_conf_node_list *list, const struct open_block *block)
{
    struct coh_token first = *token;
    size_t word_count = read_words(parse, token);
    struct coh_conf_node *node;

    if (word_count > COH_CONF_WORDS_MAX) {
        tell(
            parse, &first,
            "too many words in one directive\n"
            "%d are the limit: is a \";\" missing?",
            COH_CONF_WORDS_MAX);
        word_count = COH_CONF_WORDS_MAX;
    }
    node = make_node(parse, word_count);
    switch (token->kind) {
    case COH_TOKEN_SEMICOLON:
        add_simple(parse, node, list);
        return STATEMENT_ENDED;
    case COH_TOKEN_OPEN:
        add_block(parse, node, list, block);
        return STATEMENT_ENDED;
    case COH_TOKEN_CLOSE:
        tell_missing_semicolon(parse, token, node);
        add_simple(parse, node, list);
        return BLOCK_ENDED;
    case COH_TOKEN_BAD:
        tell_bad_token(parse, token);
        return skip_statement(parse);
    case COH_TOKEN_END:
    case COH_TOKEN_WORD: /* read_words took them all */
        break;
    }
    tell_end(parse, token, "\";\" or \"}\"", block);
    return STATEMENT_ENDED;
}

void
coh_tree_parse(
    struct coh_tree *tree, const struct coh_source *source,
    struct coh_conf_node_list *list)
{
    struct parse parse = {.tree = tree, .source = source};

    coh_token_reader_init(&parse.reader, source->text);
    parse_nodes(&parse, list, NULL);
}
