/* Leaving the terminal that a daemon was started from. */
#ifndef COH_PROCESS_TERMINAL_H
#define COH_PROCESS_TERMINAL_H

struct cohort_log;

/* Standard error becomes the log's first file, so that nobody waits for its
   end; unless the log writes to standard error itself. */
void coh_terminal_leave(const struct cohort_log *log);

#endif
