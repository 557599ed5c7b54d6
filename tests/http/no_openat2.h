/* A kernel without a system call, for what follows in this process. */
#ifndef COH_TESTS_HTTP_NO_OPENAT2_H
#define COH_TESTS_HTTP_NO_OPENAT2_H

/* From now on a call (SYS_...) fails with a reason, for good. 0, or -1: there
   are no filters here. */
int lose_call(long number, int reason);

/* The same of openat2: ENOSYS, EPERM. */
int lose_openat2(int reason);

#endif
