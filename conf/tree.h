/* A configuration as a tree of directives, includes already followed. */
#ifndef COH_CONF_TREE_H
#define COH_CONF_TREE_H

#include <sys/queue.h>

#include "conf/files.h"
#include "conf/report.h"

#define COH_CONF_WORDS_MAX 4096     /* of one directive, its name counted */
#define COH_CONF_DEPTH_MAX 64       /* blocks in blocks */
#define COH_INCLUDE_DEPTH_MAX 32    /* includes in includes */
#define COH_INCLUDE_COUNT_MAX 65536 /* of a whole configuration */
#define COH_INCLUDE_BYTES_MAX (256u << 20) /* the same file counts each time */

struct coh_word {
    struct cohort_str text; /* escapes resolved; NUL-terminated */
    unsigned line;
    unsigned column;
};

STAILQ_HEAD(coh_conf_node_list, coh_conf_node);

/* A directive as written, or a row of a raw block. */
struct coh_conf_node {
    STAILQ_ENTRY(coh_conf_node) link;
    const struct coh_source *source;
    struct coh_word *words; /* the name, then the arguments */
    size_t word_count;      /* at least 1 */
    bool is_block;
    struct coh_conf_node_list children;
};

struct coh_tree {
    struct coh_arena *arena; /* where all of it lives */
    struct coh_conf_report *report;
    const char *folder; /* names in include start here */
    struct coh_conf_node_list nodes;
    struct coh_files files;
    unsigned depth; /* blocks open now */
    unsigned include_count;
    size_t include_bytes;
    struct coh_arena *scratch;
    struct coh_word *words; /* of the directive being read; in scratch */
};

/* folder must outlive the tree, as must the report. */
void coh_tree_init(
    struct coh_tree *tree, struct coh_arena *arena,
    struct coh_conf_report *report, const char *folder);
void coh_tree_fini(struct coh_tree *tree);

/*
 * Parse a text, or the first file, and add its directives to those of the main
 * context. What is wrong goes to the report, and reading goes on behind it.
 *
 * text          Lives as long as the arena.
 * is_parameter  It comes from the command line.
 */
void coh_tree_add_text(
    struct coh_tree *tree, const char *name, struct cohort_str text,
    bool is_parameter);
void coh_tree_add_file(struct coh_tree *tree, const char *path);

static inline struct coh_conf_place
coh_word_place(const struct coh_conf_node *node, size_t index)
{
    return (struct coh_conf_place){
        .source = node->source,
        .line = node->words[index].line,
        .column = node->words[index].column,
    };
}

/* --- between tree.c, parse.c and include.c -------------------------------- */

/* Parse a source into a list of nodes. */
void coh_tree_parse(
    struct coh_tree *tree, const struct coh_source *source,
    struct coh_conf_node_list *list);

/* Follow an include directive: what the files hold comes to the list. */
void coh_include(
    struct coh_tree *tree, const struct coh_conf_node *node,
    struct coh_conf_node_list *list);

#endif
