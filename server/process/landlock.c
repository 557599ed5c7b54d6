/* By bare system calls: the C library has none, and the kernel's header here may
   be older than the kernel. */
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

#define READ_FILE (UINT64_C(1) << 2)
#define READ_FOLDER (UINT64_C(1) << 3)
#define BIND_TCP (UINT64_C(1) << 0)
#define SCOPES UINT64_C(3) /* abstract unix sockets, signals */

/* How many rights over files each version knows: all of its bits are asked for,
   so that what no rule gives is refused. */
static const unsigned char file_right_counts[] = {
    [1] = 13, [2] = 14, [3] = 15, [4] = 15, [5] = 16};

#define LAST_KNOWN (sizeof(file_right_counts) - 1)
#define HAS_NETWORK 4 /* versions that have rights over it, and scopes */
#define HAS_SCOPES 6

/* Fields that a kernel does not know must be zero. */
struct rules {
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
coh_landlock_new(bool may_read)
{
    int version = coh_landlock_version();
    size_t known = version < (int)LAST_KNOWN ? (size_t)version : LAST_KNOWN;
    struct rules rules = {
        .file_rights = (UINT64_C(1) << file_right_counts[known]) - 1,
        .network_rights = version >= HAS_NETWORK ? BIND_TCP : 0,
        .scopes = version >= HAS_SCOPES ? SCOPES : 0,
    };
    long fd;

    if (version == 0) {
        return -EOPNOTSUPP;
    }
    if (may_read) {
        rules.file_rights &= ~(READ_FILE | READ_FOLDER);
    }
    fd = syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules), 0);
    return fd < 0 ? -errno : (int)fd;
}

int
coh_landlock_allow_reading(int rules, const char *path)
{
    struct path_rule rule = {.parent = open(path, O_PATH | O_CLOEXEC)};
    struct stat info;
    int result = 0;

    if (rule.parent < 0) {
        return -errno;
    }
    if (fstat(rule.parent, &info) < 0) {
        result = -errno;
    } else {
        rule.rights = READ_FILE | (S_ISDIR(info.st_mode) ? READ_FOLDER : 0);
        if (syscall(SYS_landlock_add_rule, rules, RULE_PATH_BENEATH, &rule, 0) <
            0) {
            result = -errno;
        }
    }
    close(rule.parent);
    return result;
}

int
coh_landlock_obey(int rules)
{
    return syscall(SYS_landlock_restrict_self, rules, 0) < 0 ? -errno : 0;
}
