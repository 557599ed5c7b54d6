/* The pid file: says where the primary is (or the only process), and by its
   lock that it lives. */
#ifndef COH_PROCESS_PIDFILE_H
#define COH_PROCESS_PIDFILE_H

#include <sys/types.h>

#define COH_PIDFILE_WHY_MAX 512

struct coh_pidfile {
    char *path; /* NULL: none */
    int fd;     /* its lock is ours while it is open */
};

/*
 * Who holds the pid file of that path? Its pid; 0: nobody (there is none, or
 * its process is gone); -EINVAL: somebody whom it does not name; -errno.
 */
pid_t coh_pidfile_owner(const char *path);

/* -EEXIST with why if another instance lives, else 0. except: one that may; 0:
   none. */
int coh_pidfile_check(
    const char *path, pid_t except, char why[COH_PIDFILE_WHY_MAX]);

/*
 * Write our pid, so that the file is never seen empty, and lock it. A file
 * that a dead process left is replaced.
 *
 * path     "" or NULL: no pid file.
 * except   An instance whose file may be replaced; 0: none.
 * Process  The primary, or the only process. The lock is of the process:
 *          children have no part in it.
 * Returns  0; -EEXIST: another instance lives; -errno. why says what to do.
 */
int coh_pidfile_write(
    struct coh_pidfile *pidfile, const char *path, pid_t except,
    char why[COH_PIDFILE_WHY_MAX]);

/* Unlock the file and leave it to another instance. */
void coh_pidfile_leave(struct coh_pidfile *pidfile);

/* Remove the file if it is still ours. */
void coh_pidfile_remove(struct coh_pidfile *pidfile);

#endif
