/* Sockets and descriptors: non-blocking, closed on exec, asked about. */
#include "core/socket.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int
set_flag(int fd, int get, int set, int flag, bool on)
{
    int flags = fcntl(fd, get);
    int wanted = on ? flags | flag : flags & ~flag;

    if (flags < 0) {
        return -errno;
    }
    if (flags == wanted) {
        return 0;
    }
    return fcntl(fd, set, wanted) < 0 ? -errno : 0;
}

int
coh_fd_set_nonblocking(int fd, bool on)
{
    return set_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, on);
}

int
coh_fd_set_cloexec(int fd, bool on)
{
    return set_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, on);
}

static bool
is_kept(int fd, const int *keep, size_t keep_count)
{
    for (size_t i = 0; i < keep_count; i++) {
        if (keep[i] == fd) {
            return true;
        }
    }
    return false;
}

/* The lowest kept descriptor from first on, or INT_MAX. */
static int
next_kept(int first, const int *keep, size_t keep_count)
{
    int next = INT_MAX;

    for (size_t i = 0; i < keep_count; i++) {
        if (keep[i] >= first && keep[i] < next) {
            next = keep[i];
        }
    }
    return next;
}

/* For kernels (and tools that stand between us and them) without close_range,
   or without its flag. */
static int
walk_one_by_one(int first, const int *keep, size_t keep_count, bool is_close)
{
    DIR *folder = opendir("/proc/self/fd");
    struct dirent *entry;

    if (folder == NULL) {
        return -errno;
    }
    while ((entry = readdir(folder)) != NULL) {
        int fd = atoi(entry->d_name); /* "." and ".." give 0 */

        if (entry->d_name[0] == '.' || fd < first || fd == dirfd(folder) ||
            is_kept(fd, keep, keep_count)) {
            continue;
        }
        if (is_close) {
            close(fd);
        } else {
            coh_fd_set_cloexec(fd, true);
        }
    }
    closedir(folder);
    return 0;
}

/* The ranges between the kept ones. */
static int
walk_ranges(int first, const int *keep, size_t keep_count, int flags)
{
    for (;;) {
        int kept = next_kept(first, keep, keep_count);

        if (kept > first &&
            close_range((unsigned)first, (unsigned)kept - 1, flags) < 0) {
            return -errno;
        }
        if (kept == INT_MAX) {
            return 0;
        }
        first = kept + 1;
    }
}

static bool
is_unsupported(int result)
{
    return result == -ENOSYS || result == -EINVAL || result == -EPERM;
}

int
coh_fds_cloexec_from(int first, const int *keep, size_t keep_count)
{
    int result = walk_ranges(first, keep, keep_count, CLOSE_RANGE_CLOEXEC);

    return is_unsupported(result)
        ? walk_one_by_one(first, keep, keep_count, false)
        : result;
}

int
coh_fds_close_from(int first, const int *keep, size_t keep_count)
{
    int result = walk_ranges(first, keep, keep_count, 0);

    return is_unsupported(result)
        ? walk_one_by_one(first, keep, keep_count, true)
        : result;
}

int
coh_fds_fill_standard(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        /* open gives the lowest free number: just this one. */
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0) {
            return -errno;
        }
    }
    return 0;
}

int
coh_socket_option(int fd, int level, int name, int value)
{
    if (setsockopt(fd, level, name, &value, sizeof(value)) < 0) {
        return -errno;
    }
    return 0;
}

int
coh_socket_pair(int type, int fds[2])
{
    type |= SOCK_NONBLOCK | SOCK_CLOEXEC;
    return socketpair(AF_UNIX, type, 0, fds) < 0 ? -errno : 0;
}

int
coh_socket_queue_length(int fd)
{
    struct tcp_info info;
    socklen_t size = sizeof(info);

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0) {
        return -errno;
    }
    return (int)info.tcpi_unacked;
}
