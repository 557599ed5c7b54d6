/* Landlock: the kernel keeps a process to what it has named of the file system.
   Other processes, files that are open, and standard limits stay as they are. */
#ifndef COH_PROCESS_LANDLOCK_H
#define COH_PROCESS_LANDLOCK_H

#include <stdbool.h>

/* What this kernel has: its version from 1 on; 0: it has none, or a container
   forbids it. */
int coh_landlock_version(void);

/*
 * A set of rules that allows nothing yet: no executing and writing of files, no
 * changing of folders, no tracing of others; from the kernels on that know it no
 * TCP port to listen on, no abstract unix socket, no signal to others. It costs
 * nothing but where files are opened.
 *
 * may_read  Any file and folder, as without rules.
 * Returns   A descriptor, CLOEXEC, or -errno.
 */
int coh_landlock_new(bool may_read);

/* Let files and folders be read from path on down. The rule is about what path
   is now: a symbolic link is followed here, once. 0 or -errno. */
int coh_landlock_allow_reading(int rules, const char *path);

/* Put the calling thread and what it starts under the rules, for good. Needs
   no_new_privs. 0 or -errno. */
int coh_landlock_obey(int rules);

#endif
