/* The throw-away modules of the configuration tests. */
#include "tests/conf/toy.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define EVERYWHERE                                                             \
    (COHORT_IN_MAIN | COHORT_IN_HTTP | COHORT_IN_SERVER | COHORT_IN_LOCATION)

char toy_log[4096];
char toy_told[65536];
struct coh_conf toy_conf;
static char folder[64];

__attribute__((format(printf, 1, 2))) static void
write_down(const char *format, ...)
{
    size_t used = strlen(toy_log);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(toy_log + used, sizeof(toy_log) - used, format, arguments);
    va_end(arguments);
}

static const char *
context_name(const struct cohort_conf *conf)
{
    switch (cohort_conf_context(conf)) {
    case COHORT_IN_MAIN:
        return "main";
    case COHORT_IN_HTTP:
        return "http";
    case COHORT_IN_SERVER:
        return "server";
    case COHORT_IN_LOCATION:
        return "location";
    default:
        return "elsewhere";
    }
}

/* The innermost named block around. */
static struct toy_block *
block_around(const struct cohort_conf *conf)
{
    struct toy_block *block = cohort_conf_object(conf, COHORT_IN_LOCATION);

    return block != NULL ? block : cohort_conf_object(conf, COHORT_IN_SERVER);
}

/* --- base ----------------------------------------------------------------- */

static const struct cohort_conf_choice modes[] = {
    {"slow", 1},
    {"fast", 2},
    {NULL, 0},
};

static int
set_list(struct cohort_conf *conf, void *settings)
{
    struct toy_base *base = settings;
    struct cohort_str *item = cohort_conf_append(
        conf, (void **)&base->list.items, &base->list.count, sizeof(*item));

    *item = cohort_conf_arg(conf, 0);
    return 0;
}

static int
set_sum(struct cohort_conf *conf, void *settings)
{
    struct toy_base *base = settings;
    struct cohort_str *item = cohort_conf_append(
        conf, (void **)&base->sum.items, &base->sum.count, sizeof(*item));

    *item = cohort_conf_arg(conf, 0);
    return 0;
}

/* Fails as its argument says. */
static int
set_break(struct cohort_conf *conf, void *settings)
{
    (void)settings;
    if (cohort_conf_arg_is(conf, 0, "silently")) {
        return -ENOSYS;
    }
    if (cohort_conf_arg_is(conf, 0, "warn")) {
        cohort_conf_warn(conf, "this is only a warning\ndo nothing");
        return 0;
    }
    return cohort_conf_error_at(conf, 0, "broken on purpose\nremove it");
}

static int
set_file(struct cohort_conf *conf, void *settings)
{
    struct toy_base *base = settings;

    base->path = cohort_conf_file_path(conf, cohort_conf_arg(conf, 0));
    return 0;
}

static void
init_base(void *settings)
{
    struct toy_base *base = settings;

    base->number = 3;
}

static int
finish_base(struct cohort_conf *conf, void *settings, const void *parent)
{
    const struct toy_base *outer = parent;
    struct toy_base *base = settings;

    write_down("finish base %s;", context_name(conf));
    base->derived = 2 * base->number;
    base->finish_count = outer != NULL ? outer->finish_count + 1 : 1;
    if (base->number == 7) {
        return cohort_conf_error_for(
            conf, "number", "number 7 of %s does not fit", context_name(conf));
    }
    if (base->number == 8) {
        return cohort_conf_error_at(
            conf, 0, "number 8 of %s does not fit", context_name(conf));
    }
    return 0;
}

static const struct cohort_directive base_directives[] = {
    {
        .name = "flag",
        .usage = "on | off",
        .help = "A switch.",
        .default_value = "off",
        .where = EVERYWHERE,
        .args = {1, 1},
        .field = COHORT_FIELD(struct toy_base, flag),
        .set = cohort_conf_set_flag,
    },
    {
        .name = "number",
        .usage = "number",
        .help = "A number from 1 to 10.",
        .where = EVERYWHERE,
        .args = {1, 1},
        .field = COHORT_FIELD(struct toy_base, number),
        .limit_min = 1,
        .limit_max = 10,
        .set = cohort_conf_set_number,
    },
    {
        .name = "big",
        .usage = "number",
        .help = "A number from 5 on.",
        .where = EVERYWHERE,
        .args = {1, 1},
        .field = COHORT_FIELD(struct toy_base, big),
        .limit_min = 5,
        .set = cohort_conf_set_number,
    },
    {
        .name = "size",
        .usage = "size",
        .help = "A size.",
        .where = EVERYWHERE,
        .args = {1, 1},
        .field = COHORT_FIELD(struct toy_base, size),
        .set = cohort_conf_set_size,
    },
    {
        .name = "time",
        .usage = "time",
        .help = "A time.",
        .where = EVERYWHERE,
        .args = {1, 1},
        .field = COHORT_FIELD(struct toy_base, time_ms),
        .set = cohort_conf_set_time_ms,
    },
    {
        .name = "short",
        .usage = "time",
        .help = "A time of less than 50 days.",
        .where = EVERYWHERE,
        .args = {1, 1},
        .field = COHORT_FIELD(struct toy_base, short_ms),
        .set = cohort_conf_set_time_ms,
    },
    {
        .name = "text",
        .usage = "text",
        .help = "Any text, also a \\ or a \".",
        .where = EVERYWHERE,
        .args = {1, COHORT_ARGS_ANY},
        .field = COHORT_FIELD(struct toy_base, text),
        .set = cohort_conf_set_str,
    },
    {
        .name = "path",
        .usage = "path",
        .help = "A path under the prefix.",
        .where = EVERYWHERE,
        .args = {1, 1},
        .field = COHORT_FIELD(struct toy_base, path),
        .set = cohort_conf_set_path,
    },
    {
        .name = "file",
        .usage = "path",
        .help = "A path beside the configuration.",
        .where = EVERYWHERE,
        .args = {1, 1},
        .set = set_file,
    },
    {
        .name = "mode",
        .usage = "slow | fast",
        .help = ".",
        .where = EVERYWHERE,
        .args = {1, 1},
        .field = COHORT_FIELD(struct toy_base, mode),
        .choices = modes,
        .set = cohort_conf_set_choice,
    },
    {
        .name = "list",
        .usage = "item",
        .help = "Gathers items.",
        .where = EVERYWHERE,
        .args = {1, 1},
        .kind = COHORT_KIND_ARRAY,
        .field = COHORT_FIELD(struct toy_base, list),
        .set = set_list,
    },
    {
        .name = "more",
        .usage = "item",
        .help = "Gathers items for list.",
        .where = EVERYWHERE,
        .args = {1, 1},
        .kind = COHORT_KIND_ARRAY,
        .field = COHORT_FIELD(struct toy_base, list),
        .set = set_list,
    },
    {
        .name = "sum",
        .usage = "item",
        .help = "Gathers items on top of all.",
        .where = EVERYWHERE,
        .args = {1, 1},
        .kind = COHORT_KIND_ADD,
        .field = COHORT_FIELD(struct toy_base, sum),
        .set = set_sum,
    },
    {
        .name = "own",
        .usage = "text",
        .help = "Is never inherited.",
        .where = EVERYWHERE,
        .args = {1, 1},
        .inherit = COHORT_INHERIT_NEVER,
        .field = COHORT_FIELD(struct toy_base, own),
        .set = cohort_conf_set_str,
    },
    {
        .name = "early",
        .help = "Is read before the location is known.",
        .where = EVERYWHERE,
        .read_at = COHORT_READ_ACCEPT,
        .set = cohort_conf_set_nothing,
    },
    {
        .name = "old",
        .usage = "[anything]",
        .help = "Was of use once.",
        .where = EVERYWHERE,
        .args = {0, 1},
        .has_no_effect = true,
        .set = cohort_conf_set_nothing,
    },
    {
        .name = "break",
        .usage = "how",
        .help = "Fails.",
        .where = EVERYWHERE,
        .args = {1, 1},
        .kind = COHORT_KIND_ADD,
        .set = set_break,
    },
    {.name = NULL},
};

struct cohort_module toy_base = {
    .api = COHORT_MODULE_API,
    .name = "base",
    .directives = base_directives,
    .settings_size = sizeof(struct toy_base),
    .settings_in = COHORT_IN_MAIN,
    .init = init_base,
    .finish = finish_base,
};

/* --- web ------------------------------------------------------------------ */

static int
set_block(struct cohort_conf *conf, void *settings)
{
    struct toy_block *block = cohort_conf_alloc(conf, sizeof(*block));

    (void)settings;
    block->name = cohort_conf_arg(conf, 0).data;
    block->outer = block_around(conf);
    if (strcmp(block->name, "bad") == 0) {
        return cohort_conf_error(conf, "a bad block");
    }
    write_down(
        "%.*s %s in %s;", (int)cohort_conf_name(conf).size,
        cohort_conf_name(conf).data, block->name, context_name(conf));
    cohort_conf_set_object(conf, block);
    return 0;
}

static int
close_block(struct cohort_conf *conf, const void *settings)
{
    const struct toy_web *web = settings;
    const struct toy_base *base = cohort_conf_settings_of(conf, &toy_base);
    const struct toy_block *block = block_around(conf);

    assert(web->is_ready);
    write_down("close %s", block->name);
    if (block->outer != NULL) {
        write_down(" of %s", block->outer->name);
    }
    write_down(
        "(name=%s number=%u own=%s list=", web->name.data, base->number,
        base->own.size > 0 ? base->own.data : "");
    for (size_t i = 0; i < base->list.count; i++) {
        write_down("%s,", base->list.items[i].data);
    }
    write_down(" sum=");
    for (size_t i = 0; i < base->sum.count; i++) {
        write_down("%s,", base->sum.items[i].data);
    }
    write_down(");");
    if (strcmp(block->name, "unclosable") == 0) {
        return cohort_conf_error(conf, "\"%s\" cannot be closed", block->name);
    }
    return 0;
}

static int
set_http(struct cohort_conf *conf, void *settings)
{
    assert(settings == NULL && cohort_conf_arg_count(conf) == 0);
    write_down("http;");
    return 0;
}

static int
close_http(struct cohort_conf *conf, const void *settings)
{
    const struct toy_web *web = settings;
    int *count = cohort_conf_object(conf, COHORT_IN_MAIN);

    assert(cohort_conf_settings(conf)[toy_web.index] == web);
    ++*count;
    write_down("close http(rows=%u);", web->row_count);
    return 0;
}

static int
add_row(struct cohort_conf *conf, void *user)
{
    struct toy_web *web = user;

    if (cohort_conf_arg_count(conf) == 0) {
        return cohort_conf_error(conf, "a row needs a value");
    }
    web->row_count++;
    web->last_row = cohort_conf_name(conf);
    return 0;
}

static int
set_types(struct cohort_conf *conf, void *settings)
{
    return cohort_conf_raw_each(conf, add_row, settings);
}

static void
init_web(void *settings)
{
    struct toy_web *web = settings;

    web->is_ready = true;
    web->name = cohort_str("none");
}

static int
finish_web(struct cohort_conf *conf, void *settings, const void *parent)
{
    const struct toy_web *web = settings;

    write_down(
        "finish web %s %s%s;", context_name(conf), web->name.data,
        parent == NULL ? " first" : "");
    return 0;
}

static const struct cohort_directive web_directives[] = {
    {
        .name = "http",
        .help = "Holds servers.",
        .where = COHORT_IN_MAIN,
        .block = COHORT_IN_HTTP,
        .set = set_http,
        .close = close_http,
    },
    {
        .name = "server",
        .usage = "name",
        .help = "Holds locations.",
        .where = COHORT_IN_HTTP,
        .args = {1, 1},
        .kind = COHORT_KIND_ADD,
        .block = COHORT_IN_SERVER,
        .set = set_block,
        .close = close_block,
    },
    {
        .name = "location",
        .usage = "path",
        .help = "Is a place.",
        .where = COHORT_IN_SERVER | COHORT_IN_LOCATION,
        .args = {1, 1},
        .kind = COHORT_KIND_ADD,
        .block = COHORT_IN_LOCATION,
        .set = set_block,
        .close = close_block,
    },
    {
        .name = "types",
        .help = "Takes rows.",
        .where = COHORT_IN_HTTP | COHORT_IN_SERVER | COHORT_IN_LOCATION,
        .is_raw = true,
        .set = set_types,
    },
    {
        .name = "name",
        .usage = "text",
        .help = "Names what it stands in.",
        .where = COHORT_IN_HTTP | COHORT_IN_SERVER,
        .args = {1, 1},
        .field = COHORT_FIELD(struct toy_web, name),
        .set = cohort_conf_set_str,
    },
    /* The same name in another context is another row. */
    {
        .name = "name",
        .usage = "",
        .help = "Names nothing.",
        .where = COHORT_IN_MAIN,
    },
    {.name = NULL},
};

struct cohort_module toy_web = {
    .api = COHORT_MODULE_API,
    .name = "web",
    .directives = web_directives,
    .settings_size = sizeof(struct toy_web),
    .settings_in = COHORT_IN_HTTP,
    .init = init_web,
    .finish = finish_web,
};

static struct cohort_module nothing = {.name = "nothing"};

struct cohort_module *const toy_modules[] = {
    &toy_base,
    &toy_web,
    &nothing,
    NULL,
};

/* --- loading -------------------------------------------------------------- */

static void
tell(void *user, bool is_error, const char *text)
{
    size_t used = strlen(toy_told);

    (void)user;
    snprintf(
        toy_told + used, sizeof(toy_told) - used, "%s%s\n",
        is_error ? "" : "warning: ", text);
}

static int http_count;

static int
load(struct coh_conf_options *options)
{
    options->prefix = "/prefix";
    options->modules = toy_modules;
    options->tell = tell;
    toy_log[0] = '\0';
    toy_told[0] = '\0';
    return coh_conf_load(options, &http_count, &toy_conf);
}

int
toy_load(const char *text)
{
    return load(&(struct coh_conf_options){
        .text = cohort_str(text),
        .text_name = "toy",
    });
}

int
toy_load_file(const char *file, const char *globals)
{
    return load(&(struct coh_conf_options){
        .file = file,
        .globals = cohort_str(globals),
    });
}

void
toy_free(void)
{
    coh_conf_free(&toy_conf);
}

const struct toy_base *
toy_main(void)
{
    return toy_conf.settings[toy_base.index];
}

/* --- files ---------------------------------------------------------------- */

static const char *
path_of(const char *name)
{
    static char path[512];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

const char *
toy_make_folder(void)
{
    strcpy(folder, "/tmp/cohort-conf-XXXXXX");
    assert(mkdtemp(folder) != NULL);
    return folder;
}

const char *
toy_write(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "w");

    assert(file != NULL);
    fputs(text, file);
    fclose(file);
    return path_of(name);
}

void
toy_remove_folder(void)
{
    DIR *listing = opendir(folder);
    const struct dirent *entry;

    assert(listing != NULL);
    while ((entry = readdir(listing)) != NULL) {
        unlink(path_of(entry->d_name));
    }
    closedir(listing);
    rmdir(folder);
}
