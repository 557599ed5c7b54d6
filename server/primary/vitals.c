/* /proc/PID/stat, which everybody may read. */
#include "server/primary/vitals.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The fields from the state on, which follows the name in brackets, to the
   22nd, the resident pages. */
#define FORMAT                                                                 \
    " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s"  \
    " %*s %*s %*s %" SCNu64

static ssize_t
read_text(pid_t pid, char *text, size_t size)
{
    char path[32];
    ssize_t got;
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    got = read(fd, text, size);
    close(fd);
    return got;
}

int
coh_vitals_read(pid_t pid, struct coh_vitals *vitals)
{
    char text[1024];
    ssize_t size = pid > 0 ? read_text(pid, text, sizeof(text) - 1) : 0;
    const char *name_end;
    uint64_t pages;

    if (size <= 0) {
        return -ENOENT;
    }
    text[size] = '\0';
    name_end = strrchr(text, ')');
    if (!name_end ||
        sscanf(name_end + 1, FORMAT, &vitals->state, &pages) != 2) {
        return -ENOENT;
    }
    vitals->rss = pages * (uint64_t)sysconf(_SC_PAGESIZE);
    return 0;
}
