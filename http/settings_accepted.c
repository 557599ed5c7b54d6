/* Directives of nginx that change nothing here: accepted with their syntax
   checked, so that a configuration written for it runs unchanged. */
#include "http/settings.h"

#include <stddef.h>

#include "core/str.h"

enum {
    IN_SERVERS = COHORT_IN_HTTP | COHORT_IN_SERVER,
    IN_LOCATIONS = IN_SERVERS | COHORT_IN_LOCATION,
};

static int
invalid(struct cohort_conf *conf, size_t arg, const char *what)
{
    return cohort_conf_error_at(
        conf, arg, "invalid value \"%s\"\nwrite %s",
        cohort_conf_arg(conf, arg).data, what);
}

static int
check_flag(struct cohort_conf *conf, void *settings)
{
    bool ignored;

    (void)settings;
    return cohort_parse_flag(cohort_conf_arg(conf, 0), &ignored) < 0
        ? invalid(conf, 0, "on or off")
        : 0;
}

static int
check_number(struct cohort_conf *conf, void *settings)
{
    uint64_t ignored;

    (void)settings;
    return cohort_parse_number(cohort_conf_arg(conf, 0), INT64_MAX, &ignored) <
            0
        ? invalid(conf, 0, "a number")
        : 0;
}

static int
check_size_at(struct cohort_conf *conf, size_t arg)
{
    uint64_t ignored;

    return cohort_parse_size(cohort_conf_arg(conf, arg), false, &ignored) < 0
        ? invalid(conf, arg, "a size: 8k")
        : 0;
}

static int
check_size(struct cohort_conf *conf, void *settings)
{
    (void)settings;
    return check_size_at(conf, 0);
}

static int
check_time(struct cohort_conf *conf, void *settings)
{
    uint64_t ignored;

    (void)settings;
    return cohort_parse_time_ms(cohort_conf_arg(conf, 0), &ignored) < 0
        ? invalid(conf, 0, "a time: 30s")
        : 0;
}

static int
check_buffers(struct cohort_conf *conf, void *settings)
{
    int number = check_number(conf, settings);
    int size = check_size_at(conf, 1);

    return number < 0 ? number : size;
}

static int
check_size_or_off(struct cohort_conf *conf, void *settings)
{
    (void)settings;
    return cohort_conf_arg_is(conf, 0, "off") ? 0 : check_size_at(conf, 0);
}

static int
check_aio(struct cohort_conf *conf, void *settings)
{
    struct cohort_str how = cohort_conf_arg(conf, 0);

    if (coh_str_is(how, "threads") ||
        coh_str_starts_with(how, COH_STR("threads="))) {
        return 0;
    }
    return check_flag(conf, settings);
}

static int
check_body_in_file(struct cohort_conf *conf, void *settings)
{
    if (cohort_conf_arg_is(conf, 0, "clean")) {
        return 0;
    }
    return check_flag(conf, settings);
}

static int
check_open_file_cache(struct cohort_conf *conf, void *settings)
{
    int result = 0;
    size_t i;

    (void)settings;
    for (i = 0; i < cohort_conf_arg_count(conf); i++) {
        struct cohort_str arg = cohort_conf_arg(conf, i);
        uint64_t ignored;

        if (coh_str_is(arg, "off") ||
            (coh_str_starts_with(arg, COH_STR("max=")) &&
             cohort_parse_number(coh_str_from(arg, 4), INT64_MAX, &ignored) ==
                 0) ||
            (coh_str_starts_with(arg, COH_STR("inactive=")) &&
             cohort_parse_time_ms(coh_str_from(arg, 9), &ignored) == 0)) {
            continue;
        }
        result = invalid(conf, i, "off, or max=1000 inactive=60s");
    }
    return result;
}

static const char own_memory[] = "Memory is taken as it is needed.";
static const char own_tables[] = "Tables size themselves.";
static const char own_cache[] =
    "Files are cached always, and looked at again each second.";
static const char own_output[] = "Output is gathered per worker and sent at "
                                 "the end of each batch.";

static const struct cohort_directive directives[] = {
    {
        .name = "types_hash_max_size",
        .usage = "size",
        .help = own_tables,
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .has_no_effect = true,
        .set = check_size,
    },
    {
        .name = "types_hash_bucket_size",
        .usage = "size",
        .help = own_tables,
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .has_no_effect = true,
        .set = check_size,
    },
    {
        .name = "server_names_hash_max_size",
        .usage = "size",
        .help = own_tables,
        .where = COHORT_IN_HTTP,
        .args = {1, 1},
        .has_no_effect = true,
        .set = check_size,
    },
    {
        .name = "server_names_hash_bucket_size",
        .usage = "size",
        .help = own_tables,
        .where = COHORT_IN_HTTP,
        .args = {1, 1},
        .has_no_effect = true,
        .set = check_size,
    },
    {
        .name = "variables_hash_max_size",
        .usage = "size",
        .help = own_tables,
        .where = COHORT_IN_HTTP,
        .args = {1, 1},
        .has_no_effect = true,
        .set = check_size,
    },
    {
        .name = "variables_hash_bucket_size",
        .usage = "size",
        .help = own_tables,
        .where = COHORT_IN_HTTP,
        .args = {1, 1},
        .has_no_effect = true,
        .set = check_size,
    },
    {
        .name = "connection_pool_size",
        .usage = "size",
        .help = own_memory,
        .where = IN_SERVERS,
        .args = {1, 1},
        .has_no_effect = true,
        .set = check_size,
    },
    {
        .name = "request_pool_size",
        .usage = "size",
        .help = own_memory,
        .where = IN_SERVERS,
        .args = {1, 1},
        .has_no_effect = true,
        .set = check_size,
    },
    {
        .name = "client_body_buffer_size",
        .usage = "size",
        .help = "Bodies are given to their reader as they come, and never "
                "gathered in a buffer whose size could be chosen.",
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .has_no_effect = true,
        .set = check_size,
    },
    {
        .name = "client_body_temp_path",
        .usage = "path [level1 [level2 [level3]]]",
        .help = "Bodies are not written to files.",
        .where = IN_LOCATIONS,
        .args = {1, 4},
        .has_no_effect = true,
        .set = cohort_conf_set_nothing,
    },
    {
        .name = "client_body_in_file_only",
        .usage = "on | clean | off",
        .help = "Bodies are not written to files.",
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .has_no_effect = true,
        .set = check_body_in_file,
    },
    {
        .name = "client_body_in_single_buffer",
        .usage = "on | off",
        .help = "Bodies are given to their reader as they come.",
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .has_no_effect = true,
        .set = check_flag,
    },
    {
        .name = "output_buffers",
        .usage = "number size",
        .help = own_output,
        .where = IN_LOCATIONS,
        .args = {2, 2},
        .has_no_effect = true,
        .set = check_buffers,
    },
    {
        .name = "postpone_output",
        .usage = "size",
        .help = own_output,
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .has_no_effect = true,
        .set = check_size,
    },
    {
        .name = "send_lowat",
        .usage = "size",
        .help = "The kernel says when a socket takes more.",
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .has_no_effect = true,
        .set = check_size,
    },
    {
        .name = "tcp_nopush",
        .usage = "on | off",
        .help = "A head always leaves together with the start of its file, "
                "which is what on asks for; off, nginx's default, has nothing "
                "left to change.",
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .has_no_effect = true,
        .set = check_flag,
    },
    {
        .name = "msie_refresh",
        .usage = "on | off",
        .help = "Old MSIE is redirected like any other browser.",
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .has_no_effect = true,
        .set = check_flag,
    },
    {
        .name = "open_file_cache",
        .usage = "off | max=number [inactive=time]",
        .help = own_cache,
        .where = IN_LOCATIONS,
        .args = {1, 2},
        .has_no_effect = true,
        .set = check_open_file_cache,
    },
    {
        .name = "open_file_cache_valid",
        .usage = "time",
        .help = own_cache,
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .has_no_effect = true,
        .set = check_time,
    },
    {
        .name = "open_file_cache_min_uses",
        .usage = "number",
        .help = own_cache,
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .has_no_effect = true,
        .set = check_number,
    },
    {
        .name = "open_file_cache_errors",
        .usage = "on | off",
        .help = "Missing files are never cached.",
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .has_no_effect = true,
        .set = check_flag,
    },
    {
        .name = "aio",
        .usage = "on | off | threads[=pool]",
        .help = "Files are sent by the kernel.",
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .has_no_effect = true,
        .set = check_aio,
    },
    {
        .name = "directio",
        .usage = "size | off",
        .help = "Files are sent by the kernel, through its page cache.",
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .has_no_effect = true,
        .set = check_size_or_off,
    },
    {
        .name = "directio_alignment",
        .usage = "size",
        .help = "Files are sent by the kernel, through its page cache.",
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .has_no_effect = true,
        .set = check_size,
    },
    {
        .name = "read_ahead",
        .usage = "size",
        .help = "The kernel reads ahead by itself.",
        .where = IN_LOCATIONS,
        .args = {1, 1},
        .has_no_effect = true,
        .set = check_size,
    },
    {.name = NULL},
};

struct cohort_module coh_accepted_module = {
    .api = COHORT_MODULE_API,
    .name = "accepted",
    .directives = directives,
    .settings_in = COHORT_IN_HTTP,
};
