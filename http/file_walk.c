/* The rules of openat2 (RESOLVE_NO_SYMLINKS, RESOLVE_BENEATH), and one that it
   has not, kept in steps of one name each. */
#include "http/file_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "http/file_step.h"

/* As in the kernel. */
#define LINKS_MAX 40
/* Names that are opened for one path, whatever its links add: each is a call
   or two, and the event loop waits for them. */
#define NAMES_MAX 512

/* Anything that is renamed or mounted anywhere meanwhile makes the kernel say
   EAGAIN where ".." is walked: so often it is asked again. */
#define TRIES_MAX 8

enum {
    ON_THE_WAY = O_PATH | O_DIRECTORY | O_CLOEXEC,
};

struct walk {
    enum coh_walk_rule rule;
    int directory;
    int at; /* where the walk stands: directory, or a descriptor of its own */
    unsigned link_count;
    unsigned name_count;
    /* BENEATH: the names from directory to at, a slash before each. None of
       them was a link, so ".." takes the last one back. */
    char done[PATH_MAX];
    const char *rest; /* what is still to be walked, at the end of room */
    char room[PATH_MAX];
};

/* --- moving --------------------------------------------------------------- */

static void
stand_on(struct walk *walk, int fd)
{
    if (walk->at != walk->directory) {
        close(walk->at);
    }
    walk->at = fd;
}

/* What follows a name begins with a slash, or is nothing. */
static int
put_before_rest(struct walk *walk, const char *target, size_t size)
{
    size_t free_size = (size_t)(walk->rest - walk->room);

    if (size > free_size) {
        return -ENAMETOOLONG;
    }
    memcpy(walk->room + free_size - size, target, size);
    walk->rest -= size;
    return 0;
}

/* The name that failed with reason: if it is a link, go where it leads. */
static int
follow(struct walk *walk, const char *name, int reason)
{
    char target[PATH_MAX];
    ssize_t size;

    if (walk->rule != COH_WALK_BENEATH) {
        return reason;
    }
    size = readlinkat(walk->at, name, target, sizeof(target));
    if (size < 0) {
        return reason; /* no link */
    }
    if (size == 0 || target[0] == '/') {
        return -EXDEV;
    }
    if (++walk->link_count > LINKS_MAX) {
        return -ELOOP;
    }
    return put_before_rest(walk, target, (size_t)size);
}

/* The walk stands on what name was opened as. */
static int
remember(struct walk *walk, const char *name)
{
    size_t done_size = strlen(walk->done);
    size_t size = strlen(name);

    if (walk->rule != COH_WALK_BENEATH || strcmp(name, ".") == 0) {
        return 0;
    }
    if (done_size + 1 + size >= sizeof(walk->done)) {
        return -ENAMETOOLONG;
    }
    walk->done[done_size] = '/';
    memcpy(walk->done + done_size + 1, name, size + 1);
    return 0;
}

static unsigned
count_slashes(const char *path)
{
    unsigned count = 0;

    while ((path = strchr(path, '/'))) {
        count++;
        path++;
    }
    return count;
}

/* One up. Not by opening "..", which is elsewhere once somebody has moved the
   directory: from above again, along names that are no links. */
static int
climb(struct walk *walk)
{
    char *last = strrchr(walk->done, '/');
    int fd;

    if (!last) {
        return -EXDEV;
    }
    *last = '\0';
    walk->name_count += count_slashes(walk->done);
    fd = coh_file_walk(
        walk->directory, walk->done, ON_THE_WAY, COH_WALK_NO_LINKS);
    if (fd < 0) {
        return fd;
    }
    stand_on(walk, fd);
    return 0;
}

/* --- one step ------------------------------------------------------------- */

/* Walk one name of the rest. Positive: the end is reached, at the descriptor
   that opened has. */
static int
step(struct walk *walk, int flags, int *opened)
{
    char name[NAME_MAX + 1];
    const char *start = walk->rest + strspn(walk->rest, "/");
    size_t size = strcspn(start, "/");
    bool is_last = start[size] == '\0';
    int fd;

    if (size > NAME_MAX) {
        return -ENAMETOOLONG;
    }
    if (++walk->name_count > NAMES_MAX) {
        return -ELOOP;
    }
    /* A directory that was asked for by a slash at its end. */
    memcpy(name, size > 0 ? start : ".", size > 0 ? size : 1);
    name[size > 0 ? size : 1] = '\0';
    walk->rest = start + size;
    if (walk->rule == COH_WALK_BENEATH && strcmp(name, "..") == 0) {
        return climb(walk);
    }
    flags = is_last ? flags : ON_THE_WAY;
    fd = coh_file_step(walk->at, name, flags);
    if (fd == -ELOOP || fd == -ENOTDIR) {
        if (walk->rule != COH_WALK_OWNERS) {
            return follow(walk, name, fd);
        }
        fd = coh_file_step_by_owner(walk->at, name, flags, fd);
    }
    if (fd < 0) {
        return fd;
    }
    if (is_last) {
        *opened = fd;
        return 1;
    }
    stand_on(walk, fd);
    return remember(walk, name);
}

static int
walk_in_steps(
    int directory, const char *path, int flags, enum coh_walk_rule rule)
{
    struct walk walk = {.rule = rule, .directory = directory, .at = directory};
    int opened = -1;
    int result;

    walk.rest = walk.room + sizeof(walk.room) - 1;
    result = put_before_rest(&walk, path, strlen(path));
    while (result == 0) {
        result = step(&walk, flags, &opened);
    }
    stand_on(&walk, directory);
    return result < 0 ? result : opened;
}

/* --- by the kernel -------------------------------------------------------- */

static bool
is_to_be_walked(int reason, enum coh_walk_rule rule)
{
    switch (reason) {
    case ENOSYS: /* Linux before 5.6, valgrind, filters */
    case EPERM:  /* other filters */
    case EINVAL: /* rules that this kernel does not know */
    case EAGAIN: /* again and again */
        return true;
    case ELOOP: /* the steps tell where, and nginx's users see the difference */
        return rule == COH_WALK_NO_LINKS;
    default:
        return false;
    }
}

static const char *
without_slashes(const char *path)
{
    path += strspn(path, "/");
    return *path ? path : ".";
}

/* A descriptor, or -1 with errno. */
static int
walk_by_kernel(
    int directory, const char *path, int flags, enum coh_walk_rule rule)
{
    struct open_how how = {
        .flags = (unsigned)flags,
        .resolve =
            rule == COH_WALK_BENEATH ? RESOLVE_BENEATH : RESOLVE_NO_SYMLINKS,
    };
    long fd = -1;

    for (int i = 0; i < TRIES_MAX && fd < 0 && (i == 0 || errno == EAGAIN);
         i++) {
        fd = syscall(SYS_openat2, directory, path, &how, sizeof(how));
    }
    return (int)fd;
}

int
coh_file_walk(
    int directory, const char *path, int flags, enum coh_walk_rule rule)
{
    static bool is_missing;
    int fd;

    path = without_slashes(path);
    if (rule == COH_WALK_OWNERS || is_missing) {
        return walk_in_steps(directory, path, flags, rule);
    }
    fd = walk_by_kernel(directory, path, flags, rule);
    if (fd >= 0) {
        return fd;
    }
    if (!is_to_be_walked(errno, rule)) {
        return -errno;
    }
    is_missing = errno == ENOSYS;
    return walk_in_steps(directory, path, flags, rule);
}
