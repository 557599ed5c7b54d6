/* disable_symlinks and confine: where links may lead. */
#include "http/file_links.h"

#include <errno.h>
#include <string.h>

#include <cohort/module/file.h>
#include <cohort/module/phase.h>
#include <cohort/module/variable.h>

#include "core/str.h"
#include "http/file_name.h"
#include "http/file_open.h"

struct links {
    int rule;                       /* enum coh_file_links */
    const struct cohort_text *from; /* NULL: from the begin of the name */
};

struct settings {
    struct links links;
    bool is_confined;
};

/* --- for a request -------------------------------------------------------- */

/* A text that is not the begin of the name, or that ends within one of its
   parts, trusts nothing; all of it, everything. */
static void
trust(struct coh_file_way *way, struct cohort_str from)
{
    const char *name = way->name.data;

    if (from.size == 0 || !coh_str_starts_with(way->name, from)) {
        return;
    }
    if (from.size == way->name.size) {
        way->links = COH_LINKS_FOLLOWED;
    } else if (name[from.size] == '/') {
        way->trusted_size = from.size;
    } else if (name[from.size - 1] == '/') {
        way->trusted_size = from.size - 1;
    }
}

/* The root ends with a slash, in it or behind it. An alias may end within a
   name: what is before that name is confined then. */
static int
confine(struct coh_file_way *way, struct cohort_str folder)
{
    if (!coh_str_starts_with(way->name, folder)) {
        return -EXDEV;
    }
    way->is_confined = true;
    way->root_size = folder.size;
    while (way->root_size > 0 && way->name.data[way->root_size] != '/') {
        way->root_size--;
    }
    return 0;
}

int
coh_file_way(
    struct cohort_request *request, struct cohort_str name,
    struct coh_file_way *way)
{
    const struct settings *settings =
        cohort_request_settings(request, &coh_file_links_module);

    *way = (struct coh_file_way){.name = name};
    if (name.size >= COHORT_FILE_NAME_MAX) {
        return -ENAMETOOLONG;
    }
    way->links = (enum coh_file_links)settings->links.rule;
    if (settings->links.from) {
        trust(way, cohort_text_value(settings->links.from, request));
    }
    return settings->is_confined ? confine(way, coh_file_folder(request)) : 0;
}

/* --- directives ----------------------------------------------------------- */

static const struct cohort_conf_choice rules[] = {
    {"off", COH_LINKS_FOLLOWED},
    {"if_not_owner", COH_LINKS_OF_OWNER},
    {"on", COH_LINKS_REFUSED},
    {NULL, 0},
};

static int
read_rule(struct cohort_conf *conf, size_t arg, int *rule)
{
    const struct cohort_conf_choice *choice;

    for (choice = rules; choice->name; choice++) {
        if (cohort_conf_arg_is(conf, arg, choice->name)) {
            *rule = choice->value;
            return 0;
        }
    }
    return cohort_conf_error_at(
        conf, arg,
        "invalid parameter \"%s\"\nwrite off, on or if_not_owner, then perhaps "
        "from=PART",
        cohort_conf_arg(conf, arg).data);
}

/* The two words may stand in any order, as in nginx. */
static int
set_disable_symlinks(struct cohort_conf *conf, void *settings)
{
    struct links links = {.rule = -1};
    size_t count = cohort_conf_arg_count(conf);
    int result = 0;
    size_t i;

    for (i = 0; i < count; i++) {
        struct cohort_str word = cohort_conf_arg(conf, i);
        bool is_from = coh_str_starts_with(word, COH_STR("from="));

        if (is_from ? links.from != NULL : links.rule >= 0) {
            result = cohort_conf_error_at(
                conf, i, "duplicate parameter \"%s\"", word.data);
        } else if (is_from) {
            links.from = cohort_conf_text(conf, coh_str_from(word, 5));
        } else if (read_rule(conf, i, &links.rule) < 0) {
            result = -EINVAL; /* tell of the others, too */
        }
    }
    if (result < 0) {
        return result;
    }
    if (links.rule < 0) {
        return cohort_conf_error(
            conf,
            "\"disable_symlinks\" must have \"off\", \"on\" or "
            "\"if_not_owner\" parameter");
    }
    if (links.rule == COH_LINKS_FOLLOWED && links.from) {
        return cohort_conf_error(
            conf, "\"from=\" cannot be used with \"off\" parameter");
    }
    ((struct settings *)settings)->links = links;
    return 0;
}

static const struct cohort_directive directives[] = {
    {
        .name = "disable_symlinks",
        .usage = "off | on | if_not_owner [from=part]",
        .help = "on: refuse names with a symbolic link in them; "
                "if_not_owner: only links whose owner is not that of what "
                "they lead to. from=PART: links in this first part of the "
                "name are followed.",
        .default_value = "off",
        .where = COHORT_IN_HTTP | COHORT_IN_SERVER | COHORT_IN_LOCATION,
        .args = {1, 2},
        .read_at = COHORT_READ_LOCATION,
        .field = COHORT_FIELD(struct settings, links),
        .set = set_disable_symlinks,
    },
    {
        .name = "confine",
        .usage = "on | off",
        .help = "Open nothing outside of root or alias: symbolic links are "
                "followed as long as they are relative and stay inside.",
        .default_value = "off",
        .where = COHORT_IN_HTTP | COHORT_IN_SERVER | COHORT_IN_LOCATION,
        .args = {1, 1},
        .read_at = COHORT_READ_LOCATION,
        .field = COHORT_FIELD(struct settings, is_confined),
        .set = cohort_conf_set_flag,
    },
    {.name = NULL},
};

struct cohort_module coh_file_links_module = {
    .api = COHORT_MODULE_API,
    .name = "file_links",
    .directives = directives,
    .settings_size = sizeof(struct settings),
    .settings_in = COHORT_IN_HTTP,
};
