/* The state of applying a configuration: a block, its settings, what it set. */
#ifndef COH_CONF_SCOPE_H
#define COH_CONF_SCOPE_H

#include "conf/apply.h"
#include "conf/directives.h"
#include "conf/tree.h"

/* This block has set this directive. */
struct coh_mark {
    struct coh_mark *next;
    const struct coh_directive_entry *entry;
    const struct coh_conf_node *first;
    const struct coh_conf_node *last;
};

/* A block being applied. */
struct coh_scope {
    struct coh_scope *parent; /* NULL: main */
    unsigned context;         /* one COHORT_IN_... */
    /* The directive that opened it; NULL in main. */
    const struct coh_conf_node *opener;
    const struct coh_directive_entry *entry;
    void *object;
    void **settings; /* by module->index; the parent's where nothing differs */
    struct coh_mark *marks;
    bool is_checked_only; /* set() of its opener, or further out, failed */
    bool skips_finish;    /* an error in it or around it */
    bool skips_close;     /* an error in it, around it, or inside */
};

/* A member that starts every block empty. */
struct coh_never_field {
    const struct cohort_module *module;
    struct cohort_conf_field field;
};

/* What set(), finish() and close() are given. */
struct cohort_conf {
    const struct coh_conf_options *options;
    struct coh_arena *arena;
    struct coh_conf_report report;
    const char *folder; /* of the configuration file */
    struct coh_directives directives;
    struct coh_never_field *never_fields;
    size_t never_count;
    size_t settings_count; /* entries of coh_scope.settings */
    struct coh_scope *scope;
    /* The directive, or in finish and close the block's; NULL in main's. */
    const struct coh_conf_node *node;
    const struct coh_directive_entry *entry;
    void **new_object; /* where set() of a block may leave one, else NULL */
};

/* Number the modules, and learn from their tables what opening a scope
   needs. */
void coh_scope_prepare(struct cohort_conf *conf);

/* The block inside parent, or main for NULL, with settings inherited. */
struct coh_scope *coh_scope_open(
    struct cohort_conf *conf, struct coh_scope *parent, unsigned context);

/* This block's own copy of a module's settings, made when first asked for;
   NULL where the module has none. */
void *coh_scope_own(
    struct cohort_conf *conf, struct coh_scope *scope,
    const struct cohort_module *module);

/* Is the copy its own? */
bool coh_scope_owns(
    const struct coh_scope *scope, const struct cohort_module *module);

struct coh_mark *coh_scope_mark(
    const struct coh_scope *scope, const struct coh_directive_entry *entry);

/* By the directive's name; NULL if this block has not set it. */
struct coh_mark *coh_scope_mark_named(
    const struct coh_scope *scope, const char *name);

/* Note that node sets a directive in this block. Clears an inherited array the
   first time that one of the directives which fill it is met. */
void coh_scope_note(
    struct cohort_conf *conf, struct coh_scope *scope,
    const struct coh_directive_entry *entry, const struct coh_conf_node *node);

#endif
