/* Opening a path below a directory while links may not lead everywhere: by
   openat2 where there is one, else step by step. */
#ifndef COH_HTTP_FILE_WALK_H
#define COH_HTTP_FILE_WALK_H

enum coh_walk_rule {
    COH_WALK_NO_LINKS, /* none is followed */
    COH_WALK_OWNERS,   /* those that belong to who owns what they lead to */
    COH_WALK_BENEATH,  /* all that stay below the directory; none is absolute */
};

/*
 * Open what stands at a path.
 *
 * directory  Stays the caller's; O_PATH will do.
 * path       Below it; slashes at its begin are skipped, "" is the directory.
 * flags      As of open(), which create nothing.
 * Returns    A descriptor; -errno: -ELOOP for a last component that is a link
 *            which must not be followed, -ENOTDIR for one before it, except
 *            with OWNERS, which has -ELOOP for both; -EXDEV where BENEATH would
 *            be left; -ELOOP for too many links or, step by step, names.
 */
int coh_file_walk(
    int directory, const char *path, int flags, enum coh_walk_rule rule);

#endif
