/* A kernel without openat2, for what follows in this process. */
#ifndef COH_TESTS_HTTP_NO_OPENAT2_H
#define COH_TESTS_HTTP_NO_OPENAT2_H

/* From now on openat2 fails with a reason (ENOSYS, EPERM), for good. 0, or -1:
   this kernel has no filters. */
int lose_openat2(int reason);

#endif
