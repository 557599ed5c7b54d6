/* root and alias: the names of the files that paths stand for. */
#include "http/file_name.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <cohort/module/file.h>
#include <cohort/module/phase.h>
#include <cohort/module/variable.h>

#include "core/str.h"
#include "http/registry.h"
#include "http/request.h"
#include "http/template_text.h"
#include "http/uri.h"
#include "http/variable.h"

/* The file of "/prefix/x" is folder + "/prefix/x", or folder + "x" by alias. */
struct place {
    const struct cohort_text *folder;
    struct cohort_str prefix; /* of the path, which alias replaces */
    bool is_alias;
};

struct settings {
    struct place place;
};

static const struct place *
place_of(const struct cohort_request *request)
{
    const struct settings *settings =
        cohort_request_settings(request, &coh_file_name_module);

    return &settings->place;
}

struct cohort_str
coh_file_folder(struct cohort_request *request)
{
    return cohort_text_value(place_of(request)->folder, request);
}

/* --- names ---------------------------------------------------------------- */

/* The request's path is normal, other ones may be made of anything. */
static bool
is_own_path(const struct cohort_request *request, struct cohort_str path)
{
    return path.data == request->uri.data && path.size == request->uri.size;
}

/*
 * A request's path has no ".."; one can only come from what clients put into
 * the variables of a folder or of another path, or where alias cuts a path
 * ("/i../x" behind "/i"). A constant folder may have one: who wrote it meant
 * it, but a dot at its end may be the first of two.
 */
static bool
is_inside(
    const struct place *place, struct cohort_str name, size_t folder_size,
    bool is_own)
{
    size_t from = folder_size > 0 ? folder_size - 1 : 0;

    if (!cohort_text_is_constant(place->folder)) {
        from = 0;
    } else if (is_own && !place->is_alias) {
        return true;
    }
    return !coh_path_climbs(name, from) &&
        memchr(name.data, '\0', name.size) == NULL;
}

int
cohort_file_name(
    struct cohort_request *request, struct cohort_str path, char *name)
{
    const struct place *place = place_of(request);
    struct cohort_str folder = cohort_text_value(place->folder, request);
    struct cohort_str rest = path;
    bool is_own = is_own_path(request, path);
    size_t size;

    if (!is_own && (path.size == 0 || path.data[0] != '/')) {
        return -EINVAL;
    }
    if (place->is_alias && coh_str_starts_with(path, place->prefix)) {
        rest = coh_str_from(path, place->prefix.size);
    }
    size = folder.size + rest.size;
    if (size >= COHORT_FILE_NAME_MAX) {
        return -ENAMETOOLONG;
    }
    memcpy(name, folder.data, folder.size);
    memcpy(name + folder.size, rest.data, rest.size);
    name[size] = '\0';
    if (!is_inside(place, cohort_str_n(name, size), folder.size, is_own)) {
        return -EINVAL;
    }
    return (int)size;
}

/* --- variables ------------------------------------------------------------ */

static bool
get_document_root(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    (void)rest;
    *value = coh_file_folder(request);
    return true;
}

static bool
get_realpath_root(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    struct cohort_str root = coh_file_folder(request);
    char *real = cohort_request_alloc(request, PATH_MAX);

    (void)rest;
    if (!realpath(root.data, real)) {
        return false;
    }
    *value = cohort_str(real);
    return true;
}

static bool
get_request_filename(
    struct cohort_request *request, struct cohort_str rest,
    struct cohort_str *value)
{
    char *name = cohort_request_alloc(request, COHORT_FILE_NAME_MAX);
    int size = cohort_file_name(request, request->uri, name);

    (void)rest;
    if (size < 0) {
        return false;
    }
    *value = cohort_str_n(name, (size_t)size);
    return true;
}

static const struct cohort_variable variables[] = {
    {"document_root", get_document_root, true},
    {"realpath_root", get_realpath_root, true},
    {"request_filename", get_request_filename, true},
    {NULL, NULL, false},
};

/* --- directives ----------------------------------------------------------- */

/* Remember from where on files are read; what variables add is below. */
static void
add_folder(struct cohort_conf *conf, struct cohort_str path)
{
    struct coh_http_block *block = cohort_conf_object(conf, COHORT_IN_HTTP);
    struct coh_file_folder *made = cohort_conf_alloc(conf, sizeof(*made));
    const char *variable = memchr(path.data, '$', path.size);

    if (variable) {
        path.size = (size_t)(variable - path.data);
        while (path.size > 0 && path.data[path.size - 1] != '/') {
            path.size--;
        }
    }
    made->path = path.size > 0 ? path : COH_STR("/");
    made->next = block->folders;
    block->folders = made;
}

void
coh_file_folders_load(
    const struct coh_file_folder *folders, struct cohort_load *load)
{
    for (; folders; folders = folders->next) {
        cohort_load_path(load, folders->path);
    }
}

static int
refuse_twice(struct cohort_conf *conf, const char *other)
{
    struct cohort_str name = cohort_conf_name(conf);

    if (!cohort_conf_is_set(conf, other)) {
        return 0;
    }
    return cohort_conf_error(
        conf,
        "\"%s\" directive is duplicate, \"%s\" directive was specified "
        "earlier\na location has one of them",
        name.data, other);
}

static bool
is_own_variable(const struct cohort_variable *variable)
{
    for (size_t i = 0; variables[i].name; i++) {
        if (variable == &variables[i]) {
            return true;
        }
    }
    return false;
}

/* What is made of the folder cannot stand in it: there would be no end. */
static int
read_folder(struct cohort_conf *conf, struct cohort_str path, struct place *to)
{
    struct cohort_str directive = cohort_conf_name(conf);
    const struct cohort_text *folder = cohort_conf_text(conf, path);

    for (size_t i = 0; i < folder->part_count; i++) {
        const struct coh_variable_use *use = folder->parts[i].use;

        if (use && is_own_variable(use->variable)) {
            return cohort_conf_error_at(
                conf, 0,
                "the $%s variable cannot be used in the \"%s\" directive",
                use->variable->name, directive.data);
        }
    }
    add_folder(conf, path);
    to->folder = folder;
    return 0;
}

static int
set_root(struct cohort_conf *conf, void *settings)
{
    struct place *place = &((struct settings *)settings)->place;
    struct cohort_str path = cohort_conf_arg(conf, 0);

    if (refuse_twice(conf, "alias") < 0) {
        return -EINVAL;
    }
    path = cohort_conf_prefix_path(conf, path);
    while (path.size > 0 && path.data[path.size - 1] == '/') {
        path.size--;
    }
    place->is_alias = false;
    return read_folder(conf, path, place);
}

static int
set_alias(struct cohort_conf *conf, void *settings)
{
    struct place *place = &((struct settings *)settings)->place;
    struct cohort_str location = cohort_conf_location_path(conf);
    struct cohort_str path;

    if (refuse_twice(conf, "root") < 0) {
        return -EINVAL;
    }
    if (coh_str_starts_with(location, COH_STR("@"))) {
        return cohort_conf_error(
            conf,
            "the \"alias\" directive cannot be used inside the named location");
    }
    path = cohort_conf_prefix_path(conf, cohort_conf_arg(conf, 0));
    place->prefix = location;
    place->is_alias = true;
    return read_folder(conf, path, place);
}

/* Without any root: the folder html beside the configuration's. */
static int
finish(struct cohort_conf *conf, void *settings, const void *parent)
{
    struct place *place = &((struct settings *)settings)->place;

    (void)parent;
    if (!place->folder) {
        struct cohort_str path = cohort_conf_prefix_path(conf, COH_STR("html"));

        add_folder(conf, path);
        place->folder = cohort_conf_text(conf, path);
    }
    return 0;
}

static const struct cohort_directive directives[] = {
    {
        .name = "root",
        .usage = "path",
        .help = "The folder that files come from: that of /a/b is PATH/a/b.",
        .default_value = "html",
        .where = COHORT_IN_HTTP | COHORT_IN_SERVER | COHORT_IN_LOCATION,
        .args = {1, 1},
        .read_at = COHORT_READ_LOCATION,
        .field = COHORT_FIELD(struct settings, place),
        .set = set_root,
    },
    {
        .name = "alias",
        .usage = "path",
        .help = "What the location's prefix is replaced by: in location /a/, "
                "the file of /a/b is PATHb.",
        .where = COHORT_IN_LOCATION,
        .args = {1, 1},
        .read_at = COHORT_READ_LOCATION,
        .field = COHORT_FIELD(struct settings, place),
        .set = set_alias,
    },
    {.name = NULL},
};

static const struct cohort_http_module http_module = {
    .variables = variables,
};

struct cohort_module coh_file_name_module = {
    .api = COHORT_MODULE_API,
    .name = "file_name",
    .directives = directives,
    .settings_size = sizeof(struct settings),
    .settings_in = COHORT_IN_HTTP,
    .finish = finish,
    .hooks = &http_module,
};
