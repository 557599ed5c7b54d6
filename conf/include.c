/* Follows include directives: one file, or a glob's files in sorted order. */
#include "conf/tree.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>

#include "core/path.h"
#include "core/str.h"

/* Is this file being read already, somewhere up the chain? */
static bool
is_in_chain(const struct coh_source *source, const char *path)
{
    for (; source != NULL; source = source->includer) {
        if (strcmp(source->name, path) == 0) {
            return true;
        }
    }
    return false;
}

/* Limits come before anything is opened. place: the name in the directive. */
static bool
may_include(
    struct coh_tree *tree, struct coh_conf_place place, const char *path)
{
    const char *problem = NULL;
    int limit = 0;

    if (is_in_chain(place.source, path)) {
        coh_conf_report(
            tree->report, true, place, "\"%s\" includes itself", path);
        return false;
    }
    if (place.source->depth >= COH_INCLUDE_DEPTH_MAX) {
        problem = "too many nested includes";
        limit = COH_INCLUDE_DEPTH_MAX;
    } else if (tree->include_count >= COH_INCLUDE_COUNT_MAX) {
        problem = "too many includes";
        limit = COH_INCLUDE_COUNT_MAX;
    }
    if (problem != NULL) {
        coh_conf_report(
            tree->report, true, place, "%s\n%d are the limit", problem, limit);
    }
    return problem == NULL;
}

/* nginx's form of the reason: "(2: No such file or directory)". */
static void
tell_unreadable(
    struct coh_tree *tree, struct coh_conf_place place, const char *path,
    int reason)
{
    if (reason == -EFBIG) {
        coh_conf_report(
            tree->report, true, place,
            "\"%s\" is too large\na configuration file has at most %d MiB",
            path, COH_CONF_FILE_SIZE_MAX >> 20);
        return;
    }
    coh_conf_report(
        tree->report, true, place, "open() \"%s\" failed (%d: %s)%s", path,
        -reason, strerror(-reason),
        place.source || reason != -ENOENT
            ? ""
            : "; name the file to load with -c, or create it");
}

/* place.source is NULL for the first file. path lives in the arena. */
static void
add_file(
    struct coh_tree *tree, struct coh_conf_place place, const char *path,
    struct coh_conf_node_list *list)
{
    struct coh_source *source;
    struct cohort_str text;
    int result = coh_files_read(&tree->files, path, &text);

    if (result < 0) {
        tell_unreadable(tree, place, path, result);
        return;
    }
    if (text.size > COH_INCLUDE_BYTES_MAX - tree->include_bytes) {
        coh_conf_report(
            tree->report, true, place,
            "the configuration is too large\n"
            "all files together have at most %d MiB",
            COH_INCLUDE_BYTES_MAX >> 20);
        return;
    }
    tree->include_bytes += text.size;
    source = coh_arena_alloc(tree->arena, sizeof(*source));
    *source = (struct coh_source){
        .name = path,
        .text = text,
        .includer = place.source,
        .line = place.line,
        .column = place.column,
        .depth = place.source != NULL ? place.source->depth + 1 : 0,
    };
    coh_tree_parse(tree, source, list);
}

static void
include_file(
    struct coh_tree *tree, struct coh_conf_place place, const char *path,
    struct coh_conf_node_list *list)
{
    if (may_include(tree, place, path)) {
        tree->include_count++;
        add_file(tree, place, path, list);
    }
}

static int
compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The folder's own name is no pattern, whatever it holds. */
static const char *
make_pattern(struct coh_tree *tree, struct cohort_str name)
{
    size_t size = strlen(tree->folder);
    char *escaped;
    char *end;

    if (name.data[0] == '/') {
        return coh_arena_str(tree->arena, name).data;
    }
    escaped = coh_arena_alloc(tree->arena, 2 * size + 1);
    end = escaped;
    for (size_t i = 0; i < size; i++) {
        if (strchr("*?[]\\", tree->folder[i]) != NULL) {
            *end++ = '\\';
        }
        *end++ = tree->folder[i];
    }
    return coh_path_join(tree->arena, escaped, name);
}

/* Sorted by bytes, not by what locale the program happens to run in. That
   nothing matches is no error. */
static void
include_matches(
    struct coh_tree *tree, struct coh_conf_place place, struct cohort_str name,
    struct coh_conf_node_list *list)
{
    const char *pattern = make_pattern(tree, name);
    glob_t matches;
    int result = glob(pattern, GLOB_NOSORT, NULL, &matches);

    if (result == 0) {
        qsort(
            matches.gl_pathv, matches.gl_pathc, sizeof(char *), compare_paths);
        for (size_t i = 0; i < matches.gl_pathc; i++) {
            include_file(
                tree, place, coh_arena_strdup(tree->arena, matches.gl_pathv[i]),
                list);
        }
        globfree(&matches);
    } else if (result != GLOB_NOMATCH) {
        coh_conf_report(
            tree->report, true, place, "glob() \"%s\" failed", pattern);
    }
}

void
coh_include(
    struct coh_tree *tree, const struct coh_conf_node *node,
    struct coh_conf_node_list *list)
{
    struct coh_conf_place place;
    struct cohort_str name;

    if (node->word_count != 2 || node->words[1].text.size == 0) {
        coh_conf_report(
            tree->report, true, coh_word_place(node, 0),
            "invalid number of arguments in \"include\" directive\n"
            "it takes one: the name of a file, or a pattern");
        return;
    }
    place = coh_word_place(node, 1);
    name = node->words[1].text;
    if (strpbrk(name.data, "*?[") != NULL) {
        include_matches(tree, place, name, list);
    } else {
        include_file(
            tree, place, coh_path_join(tree->arena, tree->folder, name), list);
    }
}

void
coh_tree_add_file(struct coh_tree *tree, const char *path)
{
    add_file(tree, (struct coh_conf_place){0}, path, &tree->nodes);
}
