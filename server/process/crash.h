/* What a worker writes to the error log when it crashes, or when the primary
   asks it what it is doing; both in signal handlers. */
#ifndef COH_PROCESS_CRASH_H
#define COH_PROCESS_CRASH_H

#include <signal.h>

struct cohort_self;

/* The primary's question. SIGRTMIN says that it died. */
#define COH_SIGNAL_TELL (SIGRTMIN + 1)

/*
 * Answer the primary's question with what the worker is doing and its stack;
 * and write on SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGABRT which worker
 * crashed, how many connections it had, how long the request line was that it
 * served (not what stood there) and its stack, then die by the same signal. (A
 * build with a sanitizer leaves crashes to that.)
 *
 * self     Outlives everything but coh_crash_end.
 * Process  The worker; signals have their default dispositions.
 */
void coh_crash_begin(struct cohort_self *self);

/* The worker is about to take itself apart. */
void coh_crash_end(void);

#endif
