/* One name in a directory: opened if it is no link, or if the link belongs to
   who owns what it leads to. */
#ifndef COH_HTTP_FILE_STEP_H
#define COH_HTTP_FILE_STEP_H

/*
 * Open what is no link.
 *
 * at       The directory; O_PATH will do.
 * flags    As of open(), which create nothing.
 * Returns  A descriptor; -errno: for a link -ELOOP or, where flags ask for a
 *          directory, -ENOTDIR.
 */
int coh_file_step(int at, const char *name, int flags);

/*
 * Open what a link leads to, for a name at which coh_file_step() failed.
 *
 * reason   What it returned: given back if the name is no link.
 * Returns  A descriptor; -errno: -ELOOP if the two have different owners. What
 *          is compared is what was followed, whatever the name becomes
 *          meanwhile.
 */
int coh_file_step_by_owner(int at, const char *name, int flags, int reason);

#endif
