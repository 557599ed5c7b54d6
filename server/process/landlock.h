/* Landlock: the kernel keeps a process to what it has named of the file system.
   Other processes, files that are open, and standard limits stay as they
   are. */
#ifndef COH_PROCESS_LANDLOCK_H
#define COH_PROCESS_LANDLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* What this kernel has: its version from 1 on; 0: it has none, or a container
   forbids it. */
int coh_landlock_version(void);

struct coh_landlock {
    int fd;
    uint64_t file_rights; /* those that need a rule */
};

/*
 * A set of rules that allows nothing yet: no executing and writing of files, no
 * changing of folders, no tracing of others; from the kernels on that know it
 * no TCP port to listen on, no abstract unix socket, no signal to others. It
 * costs nothing but where files are opened.
 *
 * may_read  Any file and folder, as without rules.
 * Returns   0 or -errno; to be given back if 0.
 */
int coh_landlock_init(struct coh_landlock *rules, bool may_read);

/* Let files and folders be read, or files be made and written, from path on
   down. The rule is about what path is now: a symbolic link is followed here,
   once. 0 or -errno. */
int coh_landlock_allow_reading(struct coh_landlock *rules, const char *path);
int coh_landlock_allow_writing(struct coh_landlock *rules, const char *path);

/* Put the calling thread and what it starts under the rules, for good. Needs
   no_new_privs. 0 or -errno. */
int coh_landlock_obey(const struct coh_landlock *rules);

/* The rules stay in force. */
void coh_landlock_fini(struct coh_landlock *rules);

#endif
