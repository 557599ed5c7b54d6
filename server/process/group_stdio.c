/* stdio of a worker_group: what the descriptors of its workers are. */
#include <errno.h>
#include <limits.h>

#include <cohort/conf.h>

#include "core/str.h"
#include "server/process/group.h"

static const struct {
    const char *word;
    enum cohort_stdio_kind kind;
} kinds[] = {
    {"inherit", COHORT_STDIO_INHERIT},
    {"pipe", COHORT_STDIO_PIPE},
    {"null", COHORT_STDIO_NULL},
    {"ignore", COHORT_STDIO_NULL}, /* as Node calls it */
    {"ipc", COHORT_STDIO_IPC},
};

static int
read_entry(struct cohort_conf *conf, size_t arg, struct coh_group_stdio *entry)
{
    struct cohort_str word = cohort_conf_arg(conf, arg);

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (coh_str_is(word, kinds[i].word)) {
            entry->kind = kinds[i].kind;
            return 0;
        }
    }
    if (coh_str_starts_with(word, COH_STR("/"))) {
        entry->kind = COHORT_STDIO_FILE;
        entry->path = word;
        return 0;
    }
    return cohort_conf_error_at(
        conf, arg,
        "\"%s\" is no entry of stdio\ninherit, pipe, null, ipc and files with "
        "a whole path are",
        word.data);
}

int
coh_group_set_stdio(struct cohort_conf *conf, void *settings)
{
    struct coh_group_settings *made = settings;
    int result = 0;

    for (size_t i = 0; i < cohort_conf_arg_count(conf); i++) {
        struct coh_group_stdio *entry = cohort_conf_append(
            conf, (void **)&made->stdio.items, &made->stdio.count,
            sizeof(*entry));

        if (read_entry(conf, i, entry) < 0) {
            result = -EINVAL; /* tell of the others, too */
        }
    }
    return result;
}
