/* listen of a worker_group: sockets that its programs are given. */
#include <errno.h>

#include <cohort/conf.h>

#include "core/str.h"
#include "server/process/conf_address.h"
#include "server/process/group.h"

#define DEFAULT_PORT 80
#define NAME_SIZE_MAX 255         /* what sd_listen_fds_with_names(3) takes */
#define DEFAULT_NAME "unknown"    /* the same */
#define BACKLOG_MAX (1024 * 1024) /* far above what the kernel gives */

static int
set_name(
    struct cohort_conf *conf, size_t arg, struct cohort_str value,
    struct coh_group_listen *listen)
{
    bool is_fine = value.size > 0 && value.size <= NAME_SIZE_MAX;

    for (size_t i = 0; i < value.size; i++) {
        is_fine &=
            value.data[i] > ' ' && value.data[i] <= '~' && value.data[i] != ':';
    }
    if (!is_fine) {
        return cohort_conf_error_at(
            conf, arg,
            "\"%s\" cannot be a name in LISTEN_FDNAMES\nup to %d visible "
            "characters other than \":\" can",
            value.data, NAME_SIZE_MAX);
    }
    listen->name = value;
    return 0;
}

static int
set_backlog(
    struct cohort_conf *conf, size_t arg, struct cohort_str value,
    struct coh_group_listen *listen)
{
    uint64_t backlog;

    if (cohort_parse_number(value, BACKLOG_MAX, &backlog) < 0 || backlog == 0) {
        return cohort_conf_error_at(
            conf, arg, "\"backlog\" takes a number from 1 to %d", BACKLOG_MAX);
    }
    listen->options.backlog = (int)backlog;
    return 0;
}

static const struct {
    const char *name;
    int (*set)(
        struct cohort_conf *conf, size_t arg, struct cohort_str value,
        struct coh_group_listen *listen);
} parameters[] = {
    {"name=", set_name},
    {"backlog=", set_backlog},
};

static int
set_parameter(
    struct cohort_conf *conf, size_t arg, struct coh_group_listen *listen)
{
    struct cohort_str word = cohort_conf_arg(conf, arg);

    for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
        struct cohort_str name = cohort_str(parameters[i].name);

        if (coh_str_starts_with(word, name)) {
            return parameters[i].set(
                conf, arg, coh_str_from(word, name.size), listen);
        }
    }
    return cohort_conf_error_at(
        conf, arg,
        "unknown parameter \"%s\": listen in a worker_group takes name= and "
        "backlog=",
        word.data);
}

int
coh_group_set_listen(struct cohort_conf *conf, void *settings)
{
    struct coh_group_settings *made = settings;
    struct coh_group_listen *listen;
    int result = 0;

    if (made->listens.count == COH_GROUP_LISTENS_MAX) {
        return cohort_conf_error(
            conf, "more than %d addresses of a worker group",
            COH_GROUP_LISTENS_MAX);
    }
    listen = cohort_conf_append(
        conf, (void **)&made->listens.items, &made->listens.count,
        sizeof(*listen));
    listen->name = COH_STR(DEFAULT_NAME);
    listen->options.policy = COHORT_POLICY_SHARED;
    result = coh_conf_address(
        conf, "listen address", DEFAULT_PORT, &listen->address);
    for (size_t i = 1; i < cohort_conf_arg_count(conf); i++) {
        if (set_parameter(conf, i, listen) < 0) {
            result = -EINVAL; /* tell of the others, too */
        }
    }
    return result;
}
