/* The pid file: written beside its place, locked, then moved there. */
#include "server/process/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/str.h"

/* Does a living process hold the lock of an open file? 1, 0 or -errno. Which
   one the kernel does not say across pid namespaces; the file does. */
static int
is_locked(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    if (fcntl(fd, F_GETLK, &lock) < 0) {
        return errno == EINVAL ? -ENOLCK : -errno; /* EINVAL: no number */
    }
    return lock.l_type != F_UNLCK;
}

static pid_t
read_number(int fd)
{
    char text[32];
    ssize_t size = pread(fd, text, sizeof(text), 0);
    struct cohort_str digits;
    uint64_t number;

    if (size < 0) {
        return -errno;
    }
    digits = cohort_str_n(text, (size_t)size);
    while (digits.size > 0 && text[digits.size - 1] == '\n') {
        digits.size--;
    }
    if (coh_str_to_u64(digits, INT32_MAX, &number) < 0 || number == 0) {
        return -EINVAL;
    }
    return (pid_t)number;
}

pid_t
coh_pidfile_owner(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    pid_t owner;

    if (fd < 0) {
        return errno == ENOENT ? 0 : -errno;
    }
    owner = is_locked(fd);
    if (owner > 0) {
        owner = read_number(fd);
    }
    close(fd);
    return owner;
}

static int
lock_and_fill(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char text[32];
    int size = snprintf(text, sizeof(text), "%d\n", (int)getpid());
    ssize_t written;

    if (fcntl(fd, F_SETLK, &lock) < 0) {
        return errno == EACCES ? -EAGAIN : -errno;
    }
    if (ftruncate(fd, 0) < 0) {
        return -errno;
    }
    written = pwrite(fd, text, (size_t)size, 0);
    if (written < 0) {
        return -errno;
    }
    return written == size ? 0 : -ENOSPC;
}

/* The file under its temporary name. The descriptor or -errno. */
static int
make(const char *temporary)
{
    int fd = open(
        temporary, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
        0644);
    int result;

    if (fd < 0) {
        return -errno;
    }
    result = lock_and_fill(fd);
    if (result < 0) {
        if (result != -EAGAIN) {
            unlink(temporary); /* its lock is ours */
        }
        close(fd);
        return result;
    }
    return fd;
}

static int
explain(const char *path, int error, char why[COH_PIDFILE_WHY_MAX])
{
    if (error == -EAGAIN) {
        snprintf(
            why, COH_PIDFILE_WHY_MAX,
            "another instance runs: it is just writing the pid file %s; stop "
            "it (-s quit), or give this one a pid file of its own",
            path);
        return -EEXIST;
    }
    snprintf(
        why, COH_PIDFILE_WHY_MAX,
        "cannot write the pid file %s: %s; choose another place with the pid "
        "directive",
        path, strerror(-error));
    return error;
}

int
coh_pidfile_check(const char *path, pid_t except, char why[COH_PIDFILE_WHY_MAX])
{
    pid_t owner = path[0] ? coh_pidfile_owner(path) : 0;

    if ((owner <= 0 && owner != -EINVAL) || (except && owner == except)) {
        return 0;
    }
    if (owner < 0) {
        snprintf(
            why, COH_PIDFILE_WHY_MAX,
            "another instance runs: a process holds the pid file %s, but "
            "which one it does not say; give this one a pid file of its own",
            path);
        return -EEXIST;
    }
    snprintf(
        why, COH_PIDFILE_WHY_MAX,
        "another instance runs: process %d holds the pid file %s; stop it "
        "(-s quit), or give this one a pid file of its own",
        (int)owner, path);
    return -EEXIST;
}

int
coh_pidfile_write(
    struct coh_pidfile *pidfile, const char *path, pid_t except,
    char why[COH_PIDFILE_WHY_MAX])
{
    char *temporary = NULL;
    int result;

    *pidfile = (struct coh_pidfile){.fd = -1};
    if (!path || !path[0]) {
        return 0;
    }
    result = coh_pidfile_check(path, except, why);
    if (result < 0) {
        return result;
    }
    if (asprintf(&temporary, "%s.new", path) < 0) {
        return explain(path, -ENOMEM, why);
    }
    result = make(temporary);
    pidfile->fd = result;
    if (result >= 0 && rename(temporary, path) < 0) {
        result = -errno;
        unlink(temporary);
        close(pidfile->fd);
        pidfile->fd = -1;
    }
    free(temporary);
    pidfile->path = result < 0 ? NULL : strdup(path);
    return result < 0 ? explain(path, result, why) : 0;
}

void
coh_pidfile_leave(struct coh_pidfile *pidfile)
{
    if (pidfile->path) {
        close(pidfile->fd);
        free(pidfile->path);
        *pidfile = (struct coh_pidfile){.fd = -1};
    }
}

void
coh_pidfile_remove(struct coh_pidfile *pidfile)
{
    struct stat there;
    struct stat ours;

    if (!pidfile->path) {
        return;
    }
    if (stat(pidfile->path, &there) == 0 && fstat(pidfile->fd, &ours) == 0 &&
        there.st_ino == ours.st_ino && there.st_dev == ours.st_dev) {
        unlink(pidfile->path);
    }
    coh_pidfile_leave(pidfile);
}
