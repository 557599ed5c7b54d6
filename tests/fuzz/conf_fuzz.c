/* Any bytes as a configuration: read, parsed, applied to a small module. */
#include <stdint.h>
#include <string.h>

#include "conf/apply.h"
#include "core/check.h"

#define EVERYWHERE (COHORT_IN_MAIN | COHORT_IN_HTTP | COHORT_IN_LOCATION)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct settings {
    bool flag;
    uint32_t number;
    uint64_t size;
    uint64_t time_ms;
    struct cohort_str text;
    struct cohort_str own;
    struct {
        struct cohort_str *items;
        size_t count;
    } list;
    int mode;
};

static const struct cohort_conf_choice modes[] = {
    {"slow", 1},
    {"fast", 2},
    {NULL, 0},
};

static int
set_item(struct cohort_conf *conf, void *settings)
{
    struct settings *own = settings;
    struct cohort_str *item = cohort_conf_append(
        conf, (void **)&own->list.items, &own->list.count, sizeof(*item));

    *item = cohort_conf_arg(conf, 0);
    return 0;
}

static int
set_block(struct cohort_conf *conf, void *settings)
{
    (void)settings;
    cohort_conf_set_object(conf, cohort_conf_alloc(conf, 1));
    return 0;
}

static int
close_block(struct cohort_conf *conf, const void *settings)
{
    COH_CHECK(cohort_conf_settings(conf)[0] == settings);
    return 0;
}

static int
count_row(struct cohort_conf *conf, void *user)
{
    struct settings *own = user;

    own->number += (uint32_t)cohort_conf_arg_count(conf);
    return 0;
}

static int
set_rows(struct cohort_conf *conf, void *settings)
{
    return cohort_conf_raw_each(conf, count_row, settings);
}

/* Every string that was set is whole: its NUL is where its size says. */
static int
finish(struct cohort_conf *conf, void *settings, const void *parent)
{
    const struct settings *own = settings;

    (void)parent;
    for (size_t i = 0; i < own->list.count; i++) {
        COH_CHECK(strlen(own->list.items[i].data) == own->list.items[i].size);
    }
    if (own->number == 1) {
        return cohort_conf_error_for(conf, "number", "one");
    }
    return 0;
}

#define FIELD(member) COHORT_FIELD(struct settings, member)

static const struct cohort_directive directives[] = {
    {.name = "flag",
     .where = EVERYWHERE,
     .args = {1, 1},
     .field = FIELD(flag),
     .set = cohort_conf_set_flag},
    {.name = "number",
     .where = EVERYWHERE,
     .args = {1, 1},
     .field = FIELD(number),
     .set = cohort_conf_set_number},
    {.name = "size",
     .where = EVERYWHERE,
     .args = {1, 1},
     .field = FIELD(size),
     .limit_min = 10,
     .set = cohort_conf_set_size},
    {.name = "time",
     .where = EVERYWHERE,
     .args = {1, 2},
     .field = FIELD(time_ms),
     .limit_max = 100000,
     .set = cohort_conf_set_time_ms},
    {.name = "mode",
     .where = EVERYWHERE,
     .args = {1, 1},
     .field = FIELD(mode),
     .choices = modes,
     .set = cohort_conf_set_choice},
    {.name = "text",
     .where = EVERYWHERE,
     .args = {1, COHORT_ARGS_ANY},
     .field = FIELD(text),
     .set = cohort_conf_set_path},
    {.name = "own",
     .where = EVERYWHERE,
     .args = {1, 1},
     .inherit = COHORT_INHERIT_NEVER,
     .field = FIELD(own),
     .set = cohort_conf_set_str},
    {.name = "item",
     .where = EVERYWHERE,
     .args = {1, 1},
     .kind = COHORT_KIND_ARRAY,
     .field = FIELD(list),
     .set = set_item},
    {.name = "rows",
     .where = EVERYWHERE,
     .kind = COHORT_KIND_ADD,
     .is_raw = true,
     .set = set_rows},
    {.name = "http",
     .where = COHORT_IN_MAIN,
     .block = COHORT_IN_HTTP,
     .set = set_block,
     .close = close_block},
    {.name = "location",
     .where = COHORT_IN_HTTP | COHORT_IN_LOCATION,
     .args = {0, 2},
     .kind = COHORT_KIND_ADD,
     .block = COHORT_IN_LOCATION,
     .set = set_block,
     .close = close_block},
    {.name = NULL},
};

static struct cohort_module module = {
    .api = COHORT_MODULE_API,
    .name = "fuzz",
    .directives = directives,
    .settings_size = sizeof(struct settings),
    .settings_in = COHORT_IN_MAIN,
    .finish = finish,
};

static struct cohort_module *const modules[] = {&module, NULL};

static void
tell(void *user, bool is_error, const char *text)
{
    unsigned *count = user;

    COH_CHECK(text[0] != '\0' && text[strlen(text) - 1] != '\n');
    *count += is_error;
}

/* An absolute include could open anything on this machine. */
static bool
is_safe(const uint8_t *data, size_t size)
{
    return memmem(data, size, "include", 7) == NULL ||
        memchr(data, '/', size) == NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned told = 0;
    struct coh_conf_options options = {
        .text = cohort_str_n((const char *)data, size),
        .text_name = "fuzz",
        .prefix = "/nonexistent",
        .modules = modules,
        .tell = tell,
        .user = &told,
    };
    struct coh_conf conf;
    int result;

    if (!is_safe(data, size)) {
        return 0;
    }
    result = coh_conf_load(&options, NULL, &conf);
    COH_CHECK((result == 0) == (conf.error_count == 0));
    COH_CHECK((told == 0) == (conf.error_count == 0));
    coh_conf_free(&conf);
    return 0;
}
