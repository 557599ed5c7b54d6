/* Applies a configuration's tree to the settings of the modules: the order is
   told at the top of <cohort/conf.h>. */
#include "conf/apply.h"

#include <errno.h>
#include <string.h>

#include "conf/scope.h"
#include "conf/usage.h"
#include "core/path.h"

#define ARENA_BLOCK_SIZE (64 << 10)

/* A block whose opening directive has been met, to be applied later. */
struct waiting {
    STAILQ_ENTRY(waiting) link;
    const struct coh_conf_node *node;
    const struct coh_directive_entry *entry;
    void *object;
    bool is_checked_only;
};
STAILQ_HEAD(waiting_list, waiting);

static void apply_block(
    struct cohort_conf *conf, struct coh_scope *scope,
    const struct coh_conf_node_list *nodes);

/* An error in a scope: it is left out of finish and close, and so is all that
   depends on it. */
static void
fail(struct coh_scope *scope)
{
    scope->skips_finish = true;
    for (; scope != NULL; scope = scope->parent) {
        scope->skips_close = true;
    }
}

/* A module's function returned result. It should have told its error. */
static bool
has_gone_well(struct cohort_conf *conf, unsigned errors_before, int result)
{
    if (result < 0 && conf->report.error_count == errors_before) {
        cohort_conf_error(
            conf, "\"%s\" failed: %s",
            conf->node != NULL ? conf->node->words[0].text.data : "main",
            strerror(-result));
    }
    return conf->report.error_count == errors_before;
}

static bool
check_duplicate(struct cohort_conf *conf, const struct coh_conf_node *node)
{
    const struct coh_mark *mark = coh_scope_mark(conf->scope, conf->entry);
    const struct coh_conf_node *first;

    if (mark == NULL || conf->entry->row->kind != COHORT_KIND_ONCE) {
        return true;
    }
    first = mark->first;
    coh_conf_report(
        &conf->report, true, coh_word_place(node, 0),
        "\"%s\" directive is duplicate\nfirst set at %s:%u",
        conf->entry->row->name, first->source->name, first->words[0].line);
    return false;
}

static bool
call_set(struct cohort_conf *conf, void **new_object)
{
    const struct coh_directive_entry *entry = conf->entry;
    unsigned errors_before = conf->report.error_count;
    void *settings;
    int result;

    if (entry->row->set == NULL) {
        return true;
    }
    settings = coh_scope_own(conf, conf->scope, entry->module);
    conf->new_object = new_object;
    result = entry->row->set(conf, settings);
    conf->new_object = NULL;
    return has_gone_well(conf, errors_before, result);
}

/* A directive of the current block is met. */
static void
meet(
    struct cohort_conf *conf, const struct coh_conf_node *node,
    struct waiting_list *blocks)
{
    struct coh_scope *scope = conf->scope;
    struct waiting *block = NULL;
    bool is_fine;

    conf->node = node;
    conf->entry = coh_usage_find(conf, node);
    if (conf->entry == NULL) {
        fail(scope);
        return;
    }
    is_fine =
        coh_usage_check(conf, conf->entry, node) && check_duplicate(conf, node);
    if (node->is_block && conf->entry->row->block != 0) {
        block = coh_arena_alloc(conf->arena, sizeof(*block));
        block->node = node;
        block->entry = conf->entry;
        STAILQ_INSERT_TAIL(blocks, block, link);
    }
    if (is_fine) {
        coh_scope_note(conf, scope, conf->entry, node);
        is_fine = scope->is_checked_only ||
            call_set(conf, block != NULL ? &block->object : NULL);
    }
    if (!is_fine) {
        fail(scope);
    }
    if (block != NULL) {
        block->is_checked_only = scope->is_checked_only || !is_fine;
    }
}

/* conf->node and entry are those of the block's opener in here. */
static void
finish_modules(struct cohort_conf *conf, struct coh_scope *scope)
{
    struct cohort_module *const *modules = conf->options->modules;
    const struct coh_scope *parent = scope->parent;

    for (; *modules != NULL && !scope->skips_finish; modules++) {
        const struct cohort_module *module = *modules;
        unsigned errors_before = conf->report.error_count;
        int result;

        if (module->finish == NULL || !coh_scope_owns(scope, module)) {
            continue;
        }
        result = module->finish(
            conf, scope->settings[module->index],
            parent != NULL ? parent->settings[module->index] : NULL);
        if (!has_gone_well(conf, errors_before, result)) {
            fail(scope);
        }
    }
}

static void
close_block(struct cohort_conf *conf, struct coh_scope *scope)
{
    const struct coh_directive_entry *entry = scope->entry;
    unsigned errors_before = conf->report.error_count;
    int result;

    if (entry == NULL || entry->row->close == NULL || scope->skips_close) {
        return;
    }
    result = entry->row->close(conf, scope->settings[entry->module->index]);
    if (!has_gone_well(conf, errors_before, result)) {
        fail(scope);
    }
}

static void
apply_waiting(
    struct cohort_conf *conf, struct coh_scope *parent,
    const struct waiting *block)
{
    struct coh_scope *scope =
        coh_scope_open(conf, parent, block->entry->row->block);

    scope->opener = block->node;
    scope->entry = block->entry;
    scope->object = block->object;
    scope->is_checked_only = block->is_checked_only;
    scope->skips_finish = parent->skips_finish || scope->is_checked_only;
    scope->skips_close = scope->skips_finish;
    apply_block(conf, scope, &block->node->children);
}

/* The block that directives, finish and close stand in now. */
static void
enter(struct cohort_conf *conf, struct coh_scope *scope)
{
    conf->scope = scope;
    conf->node = scope->opener;
    conf->entry = scope->entry;
}

static void
apply_block(
    struct cohort_conf *conf, struct coh_scope *scope,
    const struct coh_conf_node_list *nodes)
{
    struct waiting_list blocks = STAILQ_HEAD_INITIALIZER(blocks);
    const struct coh_conf_node *node;
    const struct waiting *block;

    enter(conf, scope);
    STAILQ_FOREACH (node, nodes, link) {
        meet(conf, node, &blocks);
    }
    enter(conf, scope);
    finish_modules(conf, scope);
    STAILQ_FOREACH (block, &blocks, link) {
        apply_waiting(conf, scope, block);
    }
    enter(conf, scope);
    close_block(conf, scope);
}

static void
parse_all(struct cohort_conf *conf, struct coh_tree *tree)
{
    const struct coh_conf_options *options = conf->options;

    if (options->globals.size > 0) {
        coh_tree_add_text(tree, "command line", options->globals, true);
    }
    if (options->file != NULL) {
        coh_tree_add_file(tree, options->file);
    } else {
        coh_tree_add_text(tree, options->text_name, options->text, false);
    }
}

static const char *
folder_of(const struct coh_conf_options *options, struct coh_arena *arena)
{
    return options->file != NULL ? coh_path_folder(arena, options->file)
                                 : options->prefix;
}

int
coh_conf_load(
    const struct coh_conf_options *options, void *object,
    struct coh_conf *result)
{
    struct coh_arena *arena = coh_arena_new(ARENA_BLOCK_SIZE);
    struct cohort_conf conf = {
        .options = options,
        .arena = arena,
        .report = {.tell = options->tell, .user = options->user},
        .folder = folder_of(options, arena),
    };
    struct coh_scope *main_scope;
    struct coh_tree tree;

    coh_tree_init(&tree, arena, &conf.report, conf.folder);
    parse_all(&conf, &tree);
    coh_directives_init(&conf.directives, arena, options->modules);
    coh_scope_prepare(&conf);
    main_scope = coh_scope_open(&conf, NULL, COHORT_IN_MAIN);
    main_scope->object = object;
    main_scope->skips_finish = conf.report.error_count > 0;
    main_scope->skips_close = main_scope->skips_finish;
    apply_block(&conf, main_scope, &tree.nodes);
    coh_conf_report_end(&conf.report);
    *result = (struct coh_conf){
        .arena = arena,
        .settings = main_scope->settings,
        .object = object,
        .files = coh_files_list(&tree.files),
        .file_count = tree.files.count,
        .error_count = conf.report.error_count,
        .warning_count = conf.report.warning_count,
    };
    coh_tree_fini(&tree);
    return result->error_count > 0 ? -EINVAL : 0;
}

void
coh_conf_free(struct coh_conf *conf)
{
    coh_arena_free(conf->arena);
    *conf = (struct coh_conf){0};
}
