/* Names of files: joined, split, created. */
#ifndef COH_CORE_PATH_H
#define COH_CORE_PATH_H

#include <sys/types.h>

#include <cohort/str.h>

struct coh_arena;

/* name if it is absolute, else base/name; NUL-terminated in the arena. */
char *coh_path_join(
    struct coh_arena *arena, const char *base, struct cohort_str name);

/* What stands behind folder and a slash in an absolute path, or NULL: "c" for
   "/a/b" and "/a/b/c". */
const char *coh_path_below(const char *folder, const char *path);

/* The folder of a file: "a/b" for "a/b/c", "." for "c". */
char *coh_path_folder(struct coh_arena *arena, const char *file);

/* Create a folder and its parents. Those that are made have just this mode,
   whatever the umask, and this group ((gid_t)-1: that of the process). 0 or
   -errno. */
int coh_path_make_folder(const char *folder, mode_t mode, gid_t group);

/* Read a whole file of at most max bytes into the arena (NUL-terminated).
   0; -EFBIG; -errno. Blocks. */
int coh_path_read(
    struct coh_arena *arena, const char *file, size_t max,
    struct cohort_str *content);

#endif
