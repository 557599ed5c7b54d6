/* Pipes, files and lent descriptors, opened before a fork and put at their
   numbers after it. */
#include "server/cluster/stdio.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/socket.h"

/* The first three have a direction; the others are read and written by both. */
static int
open_pipe(unsigned index, int *theirs, int *ours)
{
    int pair[2];

    if (index > STDERR_FILENO) {
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
            return -errno;
        }
    } else if (pipe2(pair, O_CLOEXEC) < 0) {
        return -errno;
    }
    *theirs = pair[index == STDIN_FILENO ? 0 : 1];
    *ours = pair[index == STDIN_FILENO ? 1 : 0];
    return coh_fd_set_nonblocking(*ours, true);
}

/* Never waits for the other end of a fifo. */
static int
open_file(const char *path, unsigned index)
{
    int flags =
        index == STDIN_FILENO ? O_RDONLY : O_WRONLY | O_CREAT | O_APPEND;
    int fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0644);

    if (fd < 0) {
        return -errno;
    }
    coh_fd_set_nonblocking(fd, false);
    return fd;
}

static int
open_null(void)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

static void
lend(struct coh_cluster_stdio *stdio, unsigned index, int fd)
{
    stdio->theirs[index] = fd;
    stdio->is_lent[index] = true;
}

static int
open_entry(
    struct coh_cluster_stdio *stdio, const struct cohort_stdio *entry,
    unsigned index)
{
    switch (entry->kind) {
    case COHORT_STDIO_INHERIT:
        lend(stdio, index, fcntl((int)index, F_GETFD) < 0 ? -1 : (int)index);
        return 0;
    case COHORT_STDIO_PIPE:
        return open_pipe(index, &stdio->theirs[index], &stdio->ours[index]);
    case COHORT_STDIO_FD:
        lend(stdio, index, entry->fd);
        return fcntl(entry->fd, F_GETFD) < 0 ? -errno : 0;
    case COHORT_STDIO_FILE:
        stdio->theirs[index] = open_file(entry->path, index);
        return stdio->theirs[index] < 0 ? stdio->theirs[index] : 0;
    default:
        stdio->theirs[index] = open_null();
        return stdio->theirs[index] < 0 ? stdio->theirs[index] : 0;
    }
}

int
coh_cluster_stdio_open(
    struct coh_cluster_stdio *stdio,
    const struct coh_cluster_settings *settings, int channel,
    struct cohort_log *log)
{
    memset(stdio, 0, sizeof(*stdio));
    for (unsigned i = 0; i < settings->shown.stdio_count; i++) {
        const struct cohort_stdio *entry = &settings->stdio[i];
        int result = 0;

        stdio->theirs[i] = -1;
        stdio->ours[i] = -1;
        stdio->count = i + 1;
        if (entry->kind != COHORT_STDIO_IPC) {
            result = open_entry(stdio, entry, i);
        }
        if (result < 0) {
            cohort_error(
                log, "cannot open descriptor %u of a worker%s%s: %s", i,
                entry->kind == COHORT_STDIO_FILE ? ", " : "",
                entry->kind == COHORT_STDIO_FILE ? entry->path : "",
                strerror(-result));
            coh_cluster_stdio_close(stdio);
            return result;
        }
    }
    if (channel >= 0) {
        stdio->theirs[settings->channel] = channel;
    }
    return 0;
}

static void
close_one(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
}

void
coh_cluster_stdio_close_theirs(struct coh_cluster_stdio *stdio)
{
    for (unsigned i = 0; i < stdio->count; i++) {
        if (!stdio->is_lent[i]) {
            close_one(&stdio->theirs[i]);
        }
    }
}

void
coh_cluster_stdio_close(struct coh_cluster_stdio *stdio)
{
    coh_cluster_stdio_close_theirs(stdio);
    for (unsigned i = 0; i < stdio->count; i++) {
        close_one(&stdio->ours[i]);
    }
}

/* Above all numbers of the list, closed on exec. */
static int
move_away(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, COHORT_STDIO_MAX);
}

int
coh_cluster_stdio_install(struct coh_cluster_stdio *stdio, int *other)
{
    int moved = move_away(*other);

    if (moved < 0) {
        return -errno;
    }
    *other = moved;
    for (unsigned i = 0; i < stdio->count; i++) {
        if (stdio->theirs[i] >= 0) {
            stdio->theirs[i] = move_away(stdio->theirs[i]);
            if (stdio->theirs[i] < 0) {
                return -errno;
            }
        }
    }
    for (unsigned i = 0; i < stdio->count; i++) {
        if (stdio->theirs[i] < 0) {
            close((int)i);
        } else if (dup2(stdio->theirs[i], (int)i) < 0) {
            return -errno;
        }
    }
    return 0;
}
