/* Names of files: joined, split, created, read whole. */
#include "core/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"

#define READ_SIZE_FIRST 4096 /* for files that do not know their size */

char *
coh_path_join(struct coh_arena *arena, const char *base, struct cohort_str name)
{
    size_t base_size = strlen(base);
    const char *slash = "/";

    if (name.size > 0 && name.data[0] == '/') {
        return coh_arena_printf(arena, "%.*s", (int)name.size, name.data);
    }
    if (base_size == 0 || base[base_size - 1] == '/') {
        slash = "";
    }
    return coh_arena_printf(
        arena, "%s%s%.*s", base, slash, (int)name.size, name.data);
}

const char *
coh_path_below(const char *folder, const char *path)
{
    size_t size = strlen(folder);

    if (size > 0 && folder[size - 1] == '/') {
        size--;
    }
    return strncmp(path, folder, size) == 0 && path[size] == '/'
        ? path + size + 1
        : NULL;
}

char *
coh_path_folder(struct coh_arena *arena, const char *file)
{
    const char *slash = strrchr(file, '/');

    if (slash == NULL) {
        return coh_arena_strdup(arena, ".");
    }
    if (slash == file) {
        return coh_arena_strdup(arena, "/");
    }
    return coh_arena_printf(arena, "%.*s", (int)(slash - file), file);
}

/* A folder that was made: by its descriptor, so that nobody can put something
   else in its place. */
static int
hand_over(const char *folder, mode_t mode, gid_t group)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int result = 0;

    if (fd < 0) {
        return -errno;
    }
    if ((group != (gid_t)-1 && fchown(fd, (uid_t)-1, group) < 0) ||
        fchmod(fd, mode) < 0) {
        result = -errno;
    }
    close(fd);
    return result;
}

/* It may be there already, made by somebody else a moment ago. */
static int
make_one_folder(const char *folder, mode_t mode, gid_t group)
{
    struct stat status;

    /* Never more open than asked for, not even for a moment. */
    if (mkdir(folder, mode & 0700) == 0) {
        return hand_over(folder, mode, group);
    }
    /* On a read-only file system an existing folder is not EEXIST. */
    if (errno == EEXIST || errno == EROFS || errno == EACCES) {
        int reason = errno;

        if (stat(folder, &status) < 0) {
            return -reason;
        }
        return S_ISDIR(status.st_mode) ? 0 : -ENOTDIR;
    }
    return -errno;
}

int
coh_path_make_folder(const char *folder, mode_t mode, gid_t group)
{
    char path[PATH_MAX];
    size_t size = strlen(folder);
    int result;

    if (size == 0) {
        return -ENOENT;
    }
    if (size >= sizeof(path)) {
        return -ENAMETOOLONG;
    }
    memcpy(path, folder, size + 1);
    for (size_t i = 1; i < size; i++) {
        if (path[i] != '/' || path[i - 1] == '/') {
            continue;
        }
        path[i] = '\0';
        result = make_one_folder(path, mode, group);
        if (result < 0) {
            return result;
        }
        path[i] = '/';
    }
    return make_one_folder(path, mode, group);
}

static ssize_t
read_some(int fd, char *data, size_t size)
{
    ssize_t got;

    do {
        got = read(fd, data, size);
    } while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

/* room: of the first buffer, at least 1; the size that fstat told was only a
   hint. One byte more than max is read to know that there is more. */
static int
read_all(
    struct coh_arena *arena, int fd, size_t room, size_t max,
    struct cohort_str *content)
{
    char *data = coh_arena_alloc(arena, room + 1);
    size_t size = 0;
    ssize_t got;

    while ((got = read_some(fd, data + size, room - size)) > 0) {
        size += (size_t)got;
        if (size > max) {
            return -EFBIG;
        }
        if (size == room) {
            char *bigger = coh_arena_alloc(arena, room * 2 + 1);

            memcpy(bigger, data, size);
            data = bigger;
            room *= 2;
        }
    }
    if (got < 0) {
        return (int)got;
    }
    data[size] = '\0';
    *content = cohort_str_n(data, size);
    return 0;
}

int
coh_path_read(
    struct coh_arena *arena, const char *file, size_t max,
    struct cohort_str *content)
{
    struct stat status;
    int result;
    int fd;

    fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return -errno;
    }
    if (fstat(fd, &status) < 0) {
        result = -errno;
    } else if (S_ISREG(status.st_mode) && (uintmax_t)status.st_size > max) {
        result = -EFBIG;
    } else {
        size_t room = READ_SIZE_FIRST;

        if (S_ISREG(status.st_mode) && (size_t)status.st_size >= room) {
            room = (size_t)status.st_size + 1;
        }
        result = read_all(arena, fd, room, max, content);
    }
    close(fd);
    return result;
}
