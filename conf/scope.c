/* Settings go down by copy: shared with the block around until they differ. */
#include "conf/scope.h"

static bool
is_never(const struct cohort_directive *row)
{
    return row->inherit == COHORT_INHERIT_NEVER && row->field.size > 0;
}

void
coh_scope_prepare(struct cohort_conf *conf)
{
    const struct coh_directives *all = &conf->directives;

    conf->never_fields =
        coh_arena_alloc(conf->arena, all->count * sizeof(*conf->never_fields));
    for (size_t i = 0; i < all->count; i++) {
        if (is_never(all->entries[i].row)) {
            conf->never_fields[conf->never_count++] = (struct coh_never_field){
                .module = all->entries[i].module,
                .field = all->entries[i].row->field,
            };
        }
    }
    while (conf->options->modules[conf->settings_count] != NULL) {
        conf->options->modules[conf->settings_count]->index =
            conf->settings_count;
        conf->settings_count++;
    }
}

static void
start_settings(
    struct cohort_conf *conf, struct coh_scope *scope, unsigned context)
{
    struct cohort_module *const *modules = conf->options->modules;

    for (; *modules != NULL; modules++) {
        const struct cohort_module *module = *modules;
        void **settings = &scope->settings[module->index];

        if (module->settings_size == 0 || module->settings_in != context ||
            *settings != NULL) {
            continue;
        }
        *settings = coh_arena_alloc(conf->arena, module->settings_size);
        if (module->init != NULL) {
            module->init(*settings);
        }
    }
}

static bool
is_zero(const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] != 0) {
            return false;
        }
    }
    return true;
}

static void
zero_field(
    struct cohort_conf *conf, struct coh_scope *scope,
    const struct cohort_module *module, struct cohort_conf_field field)
{
    const char *settings = scope->settings[module->index];

    if (settings == NULL || is_zero(settings + field.offset, field.size)) {
        return;
    }
    memset(
        (char *)coh_scope_own(conf, scope, module) + field.offset, 0,
        field.size);
}

struct coh_scope *
coh_scope_open(
    struct cohort_conf *conf, struct coh_scope *parent, unsigned context)
{
    struct coh_scope *scope = coh_arena_alloc(conf->arena, sizeof(*scope));
    size_t size = conf->settings_count * sizeof(*scope->settings);

    scope->parent = parent;
    scope->context = context;
    scope->settings = coh_arena_alloc(conf->arena, size);
    if (parent != NULL) {
        memcpy(scope->settings, parent->settings, size);
        for (size_t i = 0; i < conf->never_count; i++) {
            zero_field(
                conf, scope, conf->never_fields[i].module,
                conf->never_fields[i].field);
        }
    }
    start_settings(conf, scope, context);
    return scope;
}

bool
coh_scope_owns(
    const struct coh_scope *scope, const struct cohort_module *module)
{
    const void *settings = scope->settings[module->index];

    return settings != NULL &&
        (scope->parent == NULL ||
         scope->parent->settings[module->index] != settings);
}

void *
coh_scope_own(
    struct cohort_conf *conf, struct coh_scope *scope,
    const struct cohort_module *module)
{
    void **settings = &scope->settings[module->index];

    if (*settings != NULL && !coh_scope_owns(scope, module)) {
        *settings =
            coh_arena_copy(conf->arena, *settings, module->settings_size);
    }
    return *settings;
}

struct coh_mark *
coh_scope_mark(
    const struct coh_scope *scope, const struct coh_directive_entry *entry)
{
    struct coh_mark *mark = scope->marks;

    while (mark != NULL && mark->entry != entry) {
        mark = mark->next;
    }
    return mark;
}

struct coh_mark *
coh_scope_mark_named(const struct coh_scope *scope, const char *name)
{
    struct coh_mark *mark = scope->marks;

    while (mark != NULL && strcmp(mark->entry->row->name, name) != 0) {
        mark = mark->next;
    }
    return mark;
}

/* Several directives may fill one array, as allow and deny do. */
static bool
has_set_field(
    const struct coh_scope *scope, const struct coh_directive_entry *entry)
{
    const struct coh_mark *mark;

    for (mark = scope->marks; mark != NULL; mark = mark->next) {
        if (mark->entry->module == entry->module &&
            mark->entry->row->field.size > 0 &&
            mark->entry->row->field.offset == entry->row->field.offset) {
            return true;
        }
    }
    return false;
}

void
coh_scope_note(
    struct cohort_conf *conf, struct coh_scope *scope,
    const struct coh_directive_entry *entry, const struct coh_conf_node *node)
{
    struct coh_mark *mark = coh_scope_mark(scope, entry);

    if (mark != NULL) {
        mark->last = node;
        return;
    }
    if (entry->row->kind == COHORT_KIND_ARRAY && entry->row->field.size > 0 &&
        !has_set_field(scope, entry)) {
        zero_field(conf, scope, entry->module, entry->row->field);
    }
    mark = coh_arena_alloc(conf->arena, sizeof(*mark));
    *mark = (struct coh_mark){
        .next = scope->marks,
        .entry = entry,
        .first = node,
        .last = node,
    };
    scope->marks = mark;
}
