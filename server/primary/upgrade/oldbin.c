/* Second names are hard links, so that no name is ever missing. */
#include "server/primary/upgrade/oldbin.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* NULL: no memory. */
static char *
second_name(const char *path)
{
    char *name = NULL;

    return asprintf(&name, "%s" COH_OLDBIN_SUFFIX, path) < 0 ? NULL : name;
}

static bool
is_same(const char *one, const char *other)
{
    struct stat first;
    struct stat second;

    return lstat(one, &first) == 0 && lstat(other, &second) == 0 &&
        first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

int
coh_oldbin_keep(const char *path)
{
    char *name = second_name(path);
    int result = 0;

    if (!name) {
        return -ENOMEM;
    }
    (void)unlink(name); /* of an instance that is gone */
    /* Some file systems know no links: then the first name is away for as long
       as the new one starts. */
    if (link(path, name) < 0 && rename(path, name) < 0) {
        result = -errno;
    }
    free(name);
    return result;
}

int
coh_oldbin_restore(const char *path)
{
    char *name = second_name(path);
    int result = 0;

    if (!name) {
        return -ENOMEM;
    }
    if (is_same(path, name)) {
        result = unlink(name);
    } else {
        result = rename(name, path);
    }
    result = result < 0 ? -errno : 0;
    free(name);
    return result;
}

void
coh_oldbin_drop(const char *path)
{
    char *name = second_name(path);

    if (name) {
        (void)unlink(name); /* gone already is as good */
        free(name);
    }
}
