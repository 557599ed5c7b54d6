/* The system calls of a worker, by libseccomp. */
#ifndef COH_PROCESS_SANDBOX_CALLS_H
#define COH_PROCESS_SANDBOX_CALLS_H

#include <stdbool.h>

/*
 * Filter this process's system calls from now on, in all its threads.
 *
 * is_strict  Those that serving needs none of fail with ENOSYS, as on a kernel
 *            that has them not, which C libraries know how to do without; else
 *            they work. The kernel logs them either way.
 * Returns    0 or -errno; -EOPNOTSUPP: built without libseccomp.
 */
int coh_sandbox_filter(bool is_strict);

/* "libseccomp 2.5.4", of the library in use; NULL: built without. */
const char *coh_sandbox_library(void);

#endif
