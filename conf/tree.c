/* A configuration's tree: what it starts from, and where texts enter it. */
#include "conf/tree.h"

#define WORDS_SIZE (COH_CONF_WORDS_MAX * sizeof(struct coh_word))

void
coh_tree_init(
    struct coh_tree *tree, struct coh_arena *arena,
    struct coh_conf_report *report, const char *folder)
{
    *tree = (struct coh_tree){
        .arena = arena,
        .report = report,
        .folder = folder,
        .scratch = coh_arena_new(WORDS_SIZE),
    };
    tree->words = coh_arena_alloc(tree->scratch, WORDS_SIZE);
    STAILQ_INIT(&tree->nodes);
    coh_files_init(&tree->files, arena);
}

void
coh_tree_fini(struct coh_tree *tree)
{
    coh_files_fini(&tree->files);
    coh_arena_free(tree->scratch);
}

void
coh_tree_add_text(
    struct coh_tree *tree, const char *name, struct cohort_str text,
    bool is_parameter)
{
    struct coh_source *source = coh_arena_alloc(tree->arena, sizeof(*source));

    *source = (struct coh_source){
        .name = name,
        .text = text,
        .is_parameter = is_parameter,
    };
    coh_tree_parse(tree, source, &tree->nodes);
}
