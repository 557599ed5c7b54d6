/* By bare system calls: the C library has none, and the kernel's header here
   may be older than the kernel. */
#include "server/process/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The same on every architecture. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

#define CREATE_VERSION 1u /* flag: tell the version, make nothing */
#define RULE_PATH_BENEATH 1

#define WRITE_FILE (UINT64_C(1) << 1)
#define READ_FILE (UINT64_C(1) << 2)
#define READ_FOLDER (UINT64_C(1) << 3)
#define MAKE_FILE (UINT64_C(1) << 8)
#define TRUNCATE (UINT64_C(1) << 14)
#define BIND_TCP (UINT64_C(1) << 0)
#define SCOPES UINT64_C(3) /* abstract unix sockets, signals */

/* How many rights over files each version knows: all of its bits are asked for,
   so that what no rule gives is refused. */
static const unsigned char file_right_counts[] = {
    [1] = 13, [2] = 14, [3] = 15, [4] = 15, [5] = 16};

#define LAST_KNOWN (sizeof(file_right_counts) - 1)
#define HAS_NETWORK 4 /* versions that have rights over it, and scopes */
#define HAS_SCOPES 6

/* What needs a rule. Fields that a kernel does not know must be zero. */
struct refused {
    uint64_t file_rights;
    uint64_t network_rights;
    uint64_t scopes;
};

struct path_rule {
    uint64_t rights;
    int32_t parent;
} __attribute__((packed));

int
coh_landlock_version(void)
{
    long version =
        syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);

    return version > 0 ? (int)version : 0;
}

int
coh_landlock_init(struct coh_landlock *rules, bool may_read)
{
    int version = coh_landlock_version();
    size_t known = version < (int)LAST_KNOWN ? (size_t)version : LAST_KNOWN;
    struct refused refused = {
        .file_rights = (UINT64_C(1) << file_right_counts[known]) - 1,
        .network_rights = version >= HAS_NETWORK ? BIND_TCP : 0,
        .scopes = version >= HAS_SCOPES ? SCOPES : 0,
    };

    if (version == 0) {
        return -EOPNOTSUPP;
    }
    if (may_read) {
        refused.file_rights &= ~(READ_FILE | READ_FOLDER);
    }
    rules->file_rights = refused.file_rights;
    rules->fd =
        (int)syscall(SYS_landlock_create_ruleset, &refused, sizeof(refused), 0);
    return rules->fd < 0 ? -errno : 0;
}

/* Rights of folders are not for files, and none is named that is not refused:
   the kernel would not take it. */
static int
add_rule(const struct coh_landlock *rules, int fd, uint64_t rights)
{
    struct path_rule rule = {.parent = fd};
    struct stat info;

    if (fstat(fd, &info) < 0) {
        return -errno;
    }
    if (!S_ISDIR(info.st_mode)) {
        rights &= ~(READ_FOLDER | MAKE_FILE);
    }
    rule.rights = rights & rules->file_rights;
    return syscall(
               SYS_landlock_add_rule, rules->fd, RULE_PATH_BENEATH, &rule, 0) <
            0
        ? -errno
        : 0;
}

static int
allow(const struct coh_landlock *rules, const char *path, uint64_t rights)
{
    int fd = open(path, O_PATH | O_CLOEXEC);
    int result;

    if (fd < 0) {
        return -errno;
    }
    result = add_rule(rules, fd, rights);
    close(fd);
    return result;
}

int
coh_landlock_allow_reading(struct coh_landlock *rules, const char *path)
{
    return allow(rules, path, READ_FILE | READ_FOLDER);
}

int
coh_landlock_allow_writing(struct coh_landlock *rules, const char *path)
{
    return allow(rules, path, READ_FILE | WRITE_FILE | MAKE_FILE | TRUNCATE);
}

int
coh_landlock_obey(const struct coh_landlock *rules)
{
    return syscall(SYS_landlock_restrict_self, rules->fd, 0) < 0 ? -errno : 0;
}

void
coh_landlock_fini(struct coh_landlock *rules)
{
    close(rules->fd);
}
