/* /proc/PID/stat, which everybody may read. */
#include "server/admin/process.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Fields are counted from the state, which follows the name in brackets. */
#define FORMAT                                                                 \
    " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %" SCNu64 " %" SCNu64        \
    " %*s %*s %*s %*s %*s %*s %*s %*s %" SCNu64

static int
parse(const char *text, struct coh_process_usage *usage)
{
    const char *fields = strrchr(text, ')');
    uint64_t ticks = (uint64_t)sysconf(_SC_CLK_TCK);
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t user;
    uint64_t system;
    uint64_t pages;

    if (!fields || sscanf(fields + 1, FORMAT, &user, &system, &pages) != 3) {
        return -ENOENT;
    }
    usage->cpu_ms = (user + system) * 1000 / ticks;
    usage->rss = pages * page;
    return 0;
}

int
coh_process_usage(int32_t pid, struct coh_process_usage *usage)
{
    char text[1024];
    FILE *file;
    size_t size;

    *usage = (struct coh_process_usage){0};
    snprintf(text, sizeof(text), "/proc/%" PRId32 "/stat", pid);
    file = pid > 0 ? fopen(text, "re") : NULL;
    if (!file) {
        return -ENOENT;
    }
    size = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[size] = '\0';
    return parse(text, usage);
}
