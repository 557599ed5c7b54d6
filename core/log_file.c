/* Log descriptors: opened, and written to without ever waiting. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log.h"

#define OPEN_FLAGS (O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

int
coh_log_open_fd(int fd)
{
    char path[sizeof("/proc/self/fd/") + 11];
    struct stat status;
    int opened;

    if (fstat(fd, &status) < 0) {
        return -errno;
    }
    if (S_ISFIFO(status.st_mode)) {
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        opened = open(path, OPEN_FLAGS);
        if (opened >= 0) {
            return opened;
        }
        /* Another user's pipe: shared then; writing asks poll first. */
    }
    opened = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return opened < 0 ? -errno : opened;
}

int
coh_log_open(const char *path)
{
    int fd;

    if (strcmp(path, "/dev/stderr") == 0) {
        return coh_log_open_fd(STDERR_FILENO);
    }
    if (strcmp(path, "/dev/stdout") == 0) {
        return coh_log_open_fd(STDOUT_FILENO);
    }
    fd = open(path, OPEN_FLAGS | O_CREAT, 0644);
    if (fd < 0 && errno == ENXIO) {
        /* A fifo that nobody reads yet: also open for reading, it takes what
           fits and never ends us with SIGPIPE. */
        fd = open(path, (OPEN_FLAGS & ~O_WRONLY) | O_RDWR);
    }
    return fd < 0 ? -errno : fd;
}

static bool
is_same_file(int one, int other)
{
    struct stat a;
    struct stat b;

    return fstat(one, &a) == 0 && fstat(other, &b) == 0 &&
        a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int
coh_log_exchange(struct coh_log_target *target, int fd)
{
    bool is_same = is_same_file(target->fd, fd);

    if (dup3(fd, target->fd, O_CLOEXEC) < 0) {
        return -errno;
    }
    target->is_cut = target->is_cut && is_same;
    return 0;
}

/* May a file be made there? 0 or -errno. */
static int
check_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX];

    snprintf(
        folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) + 1 : 1,
        slash ? path : ".");
    return access(folder, W_OK | X_OK) == 0 ? 0 : -errno;
}

int
coh_log_check(const char *path)
{
    struct stat status;

    if (strcmp(path, "/dev/stderr") == 0 || strcmp(path, "/dev/stdout") == 0) {
        return 0;
    }
    if (stat(path, &status) < 0) {
        return errno == ENOENT ? check_folder(path) : -errno;
    }
    if (S_ISDIR(status.st_mode)) {
        return -EISDIR;
    }
    return access(path, W_OK) == 0 ? 0 : -errno;
}

/* Somebody else's pipe, terminal or socket may be a blocking one. */
static bool
has_room(int fd)
{
    struct pollfd waiter = {.fd = fd, .events = POLLOUT};

    return poll(&waiter, 1, 0) == 1;
}

static ssize_t
write_once(int fd, mode_t kind, const char *data, size_t size)
{
    ssize_t written;

    do {
        if (kind == S_IFSOCK) {
            written = send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        } else if (kind != S_IFREG && !has_room(fd)) {
            return -EAGAIN;
        } else {
            written = write(fd, data, size);
        }
    } while (written < 0 && errno == EINTR);
    return written < 0 ? -errno : written;
}

/* The whole lines that fit into limit bytes, or the first line when it alone is
   longer. */
static size_t
lines_size(const char *lines, size_t size, size_t limit)
{
    const char *end;

    if (size <= limit) {
        return size;
    }
    end = memrchr(lines, '\n', limit);
    if (end == NULL) {
        end = memchr(lines + limit, '\n', size - limit);
    }
    return end == NULL ? size : (size_t)(end - lines) + 1;
}

/* To a pipe, PIPE_BUF bytes or fewer go in at once or not at all; a file takes
   everything unless the disk is full. */
ssize_t
coh_log_fd_write(int fd, const void *lines, size_t size)
{
    const char *data = lines;
    struct stat status;
    size_t taken = 0;

    if (fstat(fd, &status) < 0) {
        return -errno;
    }
    while (taken < size) {
        mode_t kind = status.st_mode & S_IFMT;
        size_t limit = kind == S_IFREG ? size : PIPE_BUF;
        size_t piece = lines_size(data + taken, size - taken, limit);
        ssize_t written = write_once(fd, kind, data + taken, piece);

        if (written < 0) {
            return taken > 0 ? (ssize_t)taken : written;
        }
        taken += (size_t)written;
        if ((size_t)written < piece) {
            break;
        }
    }
    return (ssize_t)taken;
}
