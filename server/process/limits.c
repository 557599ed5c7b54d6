/* RLIMIT_NOFILE and the environment of workers. */
#include "server/process/limits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cohort/log.h>

#include "core/arena.h"

/* Descriptors that a worker has beside its clients': standard ones, channel,
   epoll, logs, listeners, a few cached files. */
#define COH_OTHER_DESCRIPTORS 32

static void
warn_if_few(
    const struct coh_settings *settings, rlim_t limit, struct cohort_log *log)
{
    if (settings->worker_connections + COH_OTHER_DESCRIPTORS > limit) {
        cohort_warn(
            log,
            "%u worker_connections need more descriptors than the %llu that "
            "a worker may open: raise worker_rlimit_nofile or the limit of "
            "the shell",
            settings->worker_connections, (unsigned long long)limit);
    }
}

void
coh_limits_apply(const struct coh_settings *settings, struct cohort_log *log)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
        return;
    }
    limit.rlim_cur = limit.rlim_max;
    if (settings->descriptor_limit > 0) {
        limit.rlim_cur = settings->descriptor_limit;
        if (limit.rlim_cur > limit.rlim_max) {
            limit.rlim_max = limit.rlim_cur;
        }
    }
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) {
        cohort_alert(
            log, "cannot set worker_rlimit_nofile to %llu: %s",
            (unsigned long long)limit.rlim_cur, strerror(errno));
        getrlimit(RLIMIT_NOFILE, &limit);
    }
    warn_if_few(settings, limit.rlim_cur, log);
}

/* The "NAME=VALUE" that there is for a variable; NULL: none. */
static char *
find_variable(const char *name, size_t size)
{
    for (char **at = environ; at && *at; at++) {
        if (strncmp(*at, name, size) == 0 && (*at)[size] == '=') {
            return *at;
        }
    }
    return NULL;
}

void
coh_environment_apply(
    const struct coh_settings *settings, struct coh_arena *arena)
{
    const struct coh_variable *variable;
    size_t count = 0;
    char **kept;

    if (!settings->environment) {
        return;
    }
    for (variable = settings->environment; variable;
         variable = variable->next) {
        count++;
    }
    kept = coh_arena_alloc(arena, (count + 2) * sizeof(*kept));
    count = 0;
    for (variable = settings->environment; variable;
         variable = variable->next) {
        struct cohort_str text = variable->text;

        kept[count] = memchr(text.data, '=', text.size)
            ? coh_arena_strdup(arena, text.data)
            : find_variable(text.data, text.size);
        count += kept[count] ? 1 : 0;
    }
    kept[count] = find_variable("TZ", 2);
    environ = kept;
}

void
coh_environment_add(const char *list)
{
    while (list && *list) {
        /* Writable, and as long as this process: nobody frees it before. */
        putenv((char *)(uintptr_t)list);
        list += strlen(list) + 1;
    }
    tzset();
}
