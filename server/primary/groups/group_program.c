/* The program of a group that is started later: what can be seen of it by now.
   execvp() has the last word, in the environment and with the rights of the
   group's workers. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/primary/groups/group.h"

/* Where execvp() looks without PATH. */
#define DEFAULT_PATH "/bin:/usr/bin"

/* Can nobody run that file? Where we may not look its user may. */
static int
check_file(int cwd, const char *path)
{
    struct stat status;

    if (fstatat(cwd, path, &status, 0) < 0) {
        return errno == EACCES ? 0 : -errno;
    }
    return S_ISREG(status.st_mode) && (status.st_mode & 0111) ? 0 : -EACCES;
}

/* In all folders of that list. */
static int
check_name(int cwd, const char *path, const char *name)
{
    char file[PATH_MAX];

    for (; path; path = strchr(path, ':') ? strchr(path, ':') + 1 : NULL) {
        int size = (int)strcspn(path, ":");
        int length = snprintf(
            file, sizeof(file), "%.*s%s%s", size, path, size > 0 ? "/" : "",
            name);

        if (length < PATH_MAX && check_file(cwd, file) == 0) {
            return 0;
        }
    }
    return -ENOENT;
}

static const char *
path_of(const struct cohort_settings *settings)
{
    const char *path = getenv("PATH");

    for (size_t i = 0; settings->environment && settings->environment[i]; i++) {
        if (strncmp(settings->environment[i], "PATH=", 5) == 0) {
            path = settings->environment[i] + 5;
        }
    }
    return path ? path : DEFAULT_PATH;
}

int
coh_group_check_program(
    const struct coh_group *group, char why[COH_LISTENER_WHY_MAX])
{
    const struct cohort_settings *settings = &group->declaration->settings;
    bool has_cwd = settings->cwd && settings->cwd[0];
    const char *cwd = has_cwd ? settings->cwd : ".";
    int folder = open(cwd, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int result;

    if (folder < 0) {
        result = errno == EACCES ? 0 : -errno;
    } else {
        result = strchr(settings->exec, '/')
            ? check_file(folder, settings->exec)
            : check_name(folder, path_of(settings), settings->exec);
        close(folder);
    }
    snprintf(
        why, COH_LISTENER_WHY_MAX, "the worker group %s cannot %s %s: %s",
        group->name, folder < 0 ? "change to its folder" : "start",
        folder < 0 ? cwd : settings->exec, strerror(-result));
    return result;
}
