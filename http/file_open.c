/*
 * Files are opened by their whole name when nothing was said of links, else
 * from a descriptor of the folder up to which all links are followed.
 *
 * No descriptor of a root is kept: it is most often a link that each deployment
 * points elsewhere, and whoever kept it open would serve the old release for
 * ever. It is walked anew whenever a file is looked at, which is once a second
 * at most for what is in the cache. A name has been normalised before, so that
 * "the file below that root" and "the file of that name" are the same as long
 * as links may lead anywhere, and one call is enough.
 */
#include "http/file_open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "http/file_walk.h"

/* --- by a way ------------------------------------------------------------- */

/* The folder of the first bytes of a name, whatever links are in them. */
static int
open_folder(struct cohort_str name, size_t size)
{
    char path[COHORT_FILE_NAME_MAX];
    int fd;

    if (name.size >= sizeof(path)) {
        return -ENAMETOOLONG;
    }
    memcpy(path, name.data, size);
    path[size] = '\0';
    if (size == 0) {
        strcpy(path, name.size > 0 && name.data[0] == '/' ? "/" : ".");
    }
    fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int
open_below(
    const struct coh_file_way *way, size_t size, int flags,
    enum coh_walk_rule rule)
{
    int folder = open_folder(way->name, size);
    int fd;

    if (folder < 0) {
        return folder;
    }
    fd = coh_file_walk(folder, way->name.data + size, flags, rule);
    close(folder);
    return fd;
}

static int
open_by_links(const struct coh_file_way *way, int flags)
{
    return open_below(
        way, way->trusted_size, flags,
        way->links == COH_LINKS_REFUSED ? COH_WALK_NO_LINKS : COH_WALK_OWNERS);
}

static int
check_same(int one, int other)
{
    struct stat status[2];

    if (fstat(one, &status[0]) < 0 || fstat(other, &status[1]) < 0) {
        return -errno;
    }
    return status[0].st_dev == status[1].st_dev &&
            status[0].st_ino == status[1].st_ino
        ? 0
        : -EXDEV;
}

/* Two rules, each kept by a walk of its own; the first one opens nothing, since
   only the second one stays inside. */
static int
open_by_both(const struct coh_file_way *way, int flags)
{
    int allowed = open_by_links(way, O_PATH | O_CLOEXEC);
    int result;
    int fd;

    if (allowed < 0) {
        return allowed;
    }
    fd = open_below(way, way->root_size, flags, COH_WALK_BENEATH);
    result = fd < 0 ? fd : check_same(allowed, fd);
    close(allowed);
    if (fd >= 0 && result < 0) {
        close(fd);
    }
    return result < 0 ? result : fd;
}

static int
open_way(const struct coh_file_way *way, int flags)
{
    int fd;

    if (way->links != COH_LINKS_FOLLOWED) {
        return way->is_confined ? open_by_both(way, flags)
                                : open_by_links(way, flags);
    }
    if (way->is_confined) {
        return open_below(way, way->root_size, flags, COH_WALK_BENEATH);
    }
    fd = open(way->name.data, flags);
    return fd < 0 ? -errno : fd;
}

/* --- keys ----------------------------------------------------------------- */

struct limits {
    uint32_t rules;
    uint32_t trusted_size;
    uint32_t root_size;
};

_Static_assert(
    COH_FILE_KEY_MAX == COHORT_FILE_NAME_MAX + sizeof(struct limits),
    "a key is a name, NUL, limits");

/* The name alone where nothing was said of links: no hit copies anything. */
struct cohort_str
coh_file_way_key(const struct coh_file_way *way, char *room)
{
    size_t size = way->name.size + 1;
    struct limits limits = {
        .rules = 2 * (uint32_t)way->links + way->is_confined,
        .trusted_size = (uint32_t)way->trusted_size,
        .root_size = (uint32_t)way->root_size,
    };

    if (coh_file_way_is_free(way)) {
        return way->name;
    }
    memcpy(room, way->name.data, size);
    memcpy(room + size, &limits, sizeof(limits));
    return cohort_str_n(room, size + sizeof(limits));
}

/* --- files ---------------------------------------------------------------- */

int
coh_file_stat(const struct coh_file_way *way, struct stat *status)
{
    int result = 0;
    int fd;

    if (coh_file_way_is_free(way)) {
        return stat(way->name.data, status) < 0 ? -errno : 0;
    }
    fd = open_way(way, O_PATH | O_CLOEXEC);
    if (fd < 0) {
        return fd;
    }
    if (fstat(fd, status) < 0) {
        result = -errno;
    }
    close(fd);
    return result;
}

int
coh_file_open(const struct coh_file_way *way, struct stat *status)
{
    /* O_NONBLOCK: a fifo must not hold the worker. */
    int fd = open_way(way, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    int result = 0;

    if (fd < 0) {
        /* A directory that may be entered but not read is one nonetheless. */
        return fd == -EACCES && coh_file_stat(way, status) == 0 &&
                S_ISDIR(status->st_mode)
            ? -EISDIR
            : fd;
    }
    if (fstat(fd, status) < 0) {
        result = -errno;
    } else if (S_ISDIR(status->st_mode)) {
        result = -EISDIR;
    } else if (!S_ISREG(status->st_mode)) {
        result = -EINVAL;
    }
    if (result < 0) {
        close(fd);
        return result;
    }
    return fd;
}
