/* The command line is read from /proc, since libraries are not told theirs; the
   file is what its first word names, if that is really this program. */
#include "server/process/binary.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORDS_SIZE_MAX (2 * 1024 * 1024) /* what Linux lets a program have */

/* --- words ---------------------------------------------------------------- */

/* All bytes of the command line, a NUL behind each word. NULL: not known. */
static char *
read_command_line(size_t *size)
{
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    char *text = fd < 0 ? NULL : malloc(WORDS_SIZE_MAX + 1);
    ssize_t got = 1;

    *size = 0;
    while (text && got > 0 && *size < WORDS_SIZE_MAX) {
        got = read(fd, text + *size, WORDS_SIZE_MAX - *size);
        *size += got > 0 ? (size_t)got : 0;
    }
    if (text) {
        text[*size] = '\0';
    }
    if (fd >= 0) {
        close(fd);
    }
    return text;
}

static char **
split(const char *text, size_t size)
{
    char **words = calloc(size + 1, sizeof(*words));
    size_t count = 0;

    for (const char *at = text; words && at < text + size;
         at += strlen(at) + 1) {
        words[count++] = strdup(at);
    }
    return words;
}

/* --- the file ------------------------------------------------------------- */

static bool
is_this(const char *path)
{
    struct stat there;
    struct stat own;

    return stat(path, &there) == 0 && stat("/proc/self/exe", &own) == 0 &&
        there.st_dev == own.st_dev && there.st_ino == own.st_ino;
}

/* folder/name if that is this program; NULL: it is not. */
static char *
in_folder(const char *folder, size_t folder_size, const char *name)
{
    char *path = NULL;

    if (asprintf(&path, "%.*s/%s", (int)folder_size, folder, name) < 0) {
        return NULL;
    }
    if (is_this(path)) {
        return path;
    }
    free(path);
    return NULL;
}

static char *
in_path(const char *name)
{
    const char *at = getenv("PATH");
    char *found = NULL;

    while (at && *at && !found) {
        size_t size = strcspn(at, ":");

        found = in_folder(at, size, name);
        at += size + (at[size] == ':');
    }
    return found;
}

static char *
by_name(const char *name)
{
    char *folder;
    char *found;

    if (!strchr(name, '/')) {
        return in_path(name);
    }
    if (name[0] == '/') {
        return is_this(name) ? strdup(name) : NULL;
    }
    folder = getcwd(NULL, 0);
    found = folder ? in_folder(folder, strlen(folder), name) : NULL;
    free(folder);
    return found;
}

/* Its first word can be anything: then as the kernel has it. */
static char *
by_kernel(void)
{
    char path[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);

    if (size <= 0) {
        return NULL;
    }
    path[size] = '\0';
    return strdup(path);
}

void
coh_binary_find(struct coh_binary *binary)
{
    size_t size;
    char *text = read_command_line(&size);

    *binary = (struct coh_binary){.path = NULL};
    binary->words = text ? split(text, size) : NULL;
    free(text);
    if (binary->words && binary->words[0]) {
        binary->path = by_name(binary->words[0]);
        if (!binary->path) {
            binary->path = by_kernel();
        }
    }
}

void
coh_binary_fini(struct coh_binary *binary)
{
    for (char **word = binary->words; word && *word; word++) {
        free(*word);
    }
    free(binary->words);
    free(binary->path);
    *binary = (struct coh_binary){.path = NULL};
}
