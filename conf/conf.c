/* What set(), finish() and close() of a module may ask and tell. */
#include <cohort/conf.h>

#include <errno.h>

#include "conf/scope.h"
#include "core/check.h"
#include "core/path.h"
#include "core/str.h"

size_t
cohort_conf_arg_count(const struct cohort_conf *conf)
{
    return conf->node != NULL ? conf->node->word_count - 1 : 0;
}

struct cohort_str
cohort_conf_arg(const struct cohort_conf *conf, size_t index)
{
    if (index >= cohort_conf_arg_count(conf)) {
        return cohort_str("");
    }
    return conf->node->words[index + 1].text;
}

bool
cohort_conf_arg_is(
    const struct cohort_conf *conf, size_t index, const char *text)
{
    return index < cohort_conf_arg_count(conf) &&
        coh_str_is(conf->node->words[index + 1].text, text);
}

struct cohort_str
cohort_conf_name(const struct cohort_conf *conf)
{
    return conf->node != NULL ? conf->node->words[0].text : cohort_str("");
}

const struct cohort_directive *
cohort_conf_directive(const struct cohort_conf *conf)
{
    return conf->entry != NULL ? conf->entry->row : NULL;
}

/* In finish() of the main context there is no directive, only its text. */
static struct coh_conf_place
place_of(const struct coh_conf_node *node, size_t word)
{
    if (node == NULL) {
        return (struct coh_conf_place){0};
    }
    return coh_word_place(node, word < node->word_count ? word : 0);
}

int
cohort_conf_error(struct cohort_conf *conf, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    coh_conf_report_v(
        &conf->report, true, place_of(conf->node, 0), format, arguments);
    va_end(arguments);
    return -EINVAL;
}

int
cohort_conf_error_at(
    struct cohort_conf *conf, size_t arg, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    coh_conf_report_v(
        &conf->report, true, place_of(conf->node, arg + 1), format, arguments);
    va_end(arguments);
    return -EINVAL;
}

int
cohort_conf_error_for(
    struct cohort_conf *conf, const char *name, const char *format, ...)
{
    const struct coh_mark *mark = coh_scope_mark_named(conf->scope, name);
    const struct coh_conf_node *node = mark != NULL ? mark->last : conf->node;
    va_list arguments;

    va_start(arguments, format);
    coh_conf_report_v(
        &conf->report, true, place_of(node, 0), format, arguments);
    va_end(arguments);
    return -EINVAL;
}

void
cohort_conf_warn(struct cohort_conf *conf, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    coh_conf_report_v(
        &conf->report, false, place_of(conf->node, 0), format, arguments);
    va_end(arguments);
}

void *
cohort_conf_alloc(struct cohort_conf *conf, size_t size)
{
    return coh_arena_alloc(conf->arena, size);
}

/* Stands in front of the items of a growing array. used is more than the count
   of a block that shares the array when another one has added to it already. */
struct array_head {
    size_t used;
    size_t room;
};
#define HEAD_SIZE                                                              \
    ((sizeof(struct array_head) + _Alignof(max_align_t) - 1) &                 \
     ~(_Alignof(max_align_t) - 1))

static struct array_head *
head_of(char *items)
{
    return (struct array_head *)(void *)(items - HEAD_SIZE);
}

static char *
grow_array(
    struct cohort_conf *conf, const char *items, size_t count, size_t item_size)
{
    size_t room = count < 4 ? 4 : 2 * count;
    char *memory = coh_arena_alloc(conf->arena, HEAD_SIZE + room * item_size);
    struct array_head *head = (struct array_head *)(void *)memory;

    head->used = count;
    head->room = room;
    if (items != NULL) {
        memcpy(memory + HEAD_SIZE, items, count * item_size);
    }
    return memory + HEAD_SIZE;
}

/* items points at some struct x *, which is no void *: hence the copying. */
void *
cohort_conf_append(
    struct cohort_conf *conf, void **items, size_t *count, size_t item_size)
{
    const struct array_head *head;
    char *array = NULL;

    if (*count > 0) {
        memcpy(&array, items, sizeof(array));
    }
    head = array != NULL ? head_of(array) : NULL;
    if (head == NULL || head->used != *count || head->used == head->room) {
        array = grow_array(conf, array, *count, item_size);
        memcpy(items, &array, sizeof(array));
    }
    head_of(array)->used++;
    return array + (*count)++ * item_size;
}

bool
cohort_conf_is_set(const struct cohort_conf *conf, const char *name)
{
    return coh_scope_mark_named(conf->scope, name) != NULL;
}

unsigned
cohort_conf_context(const struct cohort_conf *conf)
{
    return conf->scope->context;
}

void
cohort_conf_set_object(struct cohort_conf *conf, void *object)
{
    COH_CHECK(conf->new_object != NULL); /* in set() of a block only */
    *conf->new_object = object;
}

void *
cohort_conf_object(
    const struct cohort_conf *conf, enum cohort_conf_context context)
{
    const struct coh_scope *scope = conf->scope;

    while (scope != NULL &&
           (scope->context != (unsigned)context || scope->object == NULL)) {
        scope = scope->parent;
    }
    return scope != NULL ? scope->object : NULL;
}

void *const *
cohort_conf_settings(const struct cohort_conf *conf)
{
    return conf->scope->settings;
}

const void *
cohort_conf_settings_of(
    const struct cohort_conf *conf, const struct cohort_module *module)
{
    return conf->scope->settings[module->index];
}

static struct cohort_str
join(struct cohort_conf *conf, const char *base, struct cohort_str path)
{
    if (path.size > 0 && path.data[0] == '$') {
        return coh_arena_str(conf->arena, path);
    }
    return cohort_str(coh_path_join(conf->arena, base, path));
}

struct cohort_str
cohort_conf_prefix_path(struct cohort_conf *conf, struct cohort_str path)
{
    return join(conf, conf->options->prefix, path);
}

struct cohort_str
cohort_conf_file_path(struct cohort_conf *conf, struct cohort_str path)
{
    return join(conf, conf->folder, path);
}

int
cohort_conf_raw_each(
    struct cohort_conf *conf, int (*row)(struct cohort_conf *conf, void *user),
    void *user)
{
    const struct coh_conf_node *block = conf->node;
    const struct coh_conf_node *node;
    int first_error = 0;
    int result;

    STAILQ_FOREACH (node, &block->children, link) {
        conf->node = node;
        result = node->is_block ? cohort_conf_error(
                                      conf,
                                      "unexpected \"{\"\n"
                                      "\"%s\" takes rows, not blocks",
                                      conf->entry->row->name)
                                : row(conf, user);
        if (result < 0 && first_error == 0) {
            first_error = result;
        }
    }
    conf->node = block;
    return first_error;
}
