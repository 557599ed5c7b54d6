/* One name in a directory: opened if it is no link, or if the link belongs to
   who owns what it leads to. */
#include "http/file_step.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

/* With O_PATH, O_NOFOLLOW opens the link itself. */
static int
check_no_link(int fd, int flags)
{
    struct stat opened;

    if (!(flags & O_PATH)) {
        return 0;
    }
    if (fstat(fd, &opened) < 0) {
        return -errno;
    }
    return S_ISLNK(opened.st_mode) ? -ELOOP : 0;
}

int
coh_file_step(int at, const char *name, int flags)
{
    int fd = openat(at, name, flags | O_NOFOLLOW);
    int result;

    if (fd < 0) {
        return -errno;
    }
    result = check_no_link(fd, flags);
    if (result < 0) {
        close(fd);
        return result;
    }
    return fd;
}

/* --- links of owners ------------------------------------------------------ */

/* What a link leads to, if both have one owner. The text is that of the link
   that was looked at, which nobody can change; to open the name once more
   would follow what somebody has put there meanwhile. */
static int
open_target(int at, int named, const struct stat *status, int flags)
{
    char target[PATH_MAX];
    struct stat opened;
    ssize_t size = readlinkat(named, "", target, sizeof(target));
    int result = 0;
    int fd;

    if (size < 0) {
        return -errno;
    }
    if ((size_t)size == sizeof(target)) {
        return -ENAMETOOLONG;
    }
    target[size] = '\0';
    fd = openat(at, target, flags);
    if (fd < 0) {
        return -errno;
    }
    if (fstat(fd, &opened) < 0) {
        result = -errno;
    } else if (opened.st_uid != status->st_uid) {
        result = -ELOOP;
    }
    if (result < 0) {
        close(fd);
        return result;
    }
    return fd;
}

int
coh_file_step_by_owner(int at, const char *name, int flags, int reason)
{
    int named = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;
    int fd;

    if (named < 0) {
        return -errno;
    }
    if (fstat(named, &status) < 0) {
        fd = -errno;
    } else if (!S_ISLNK(status.st_mode)) {
        fd = reason;
    } else {
        fd = open_target(at, named, &status, flags);
    }
    close(named);
    return fd;
}
