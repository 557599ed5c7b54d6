/* Going to the background: who started us waits until the first generation
   serves, and ends with its status. */
#ifndef COH_PRIMARY_DAEMON_H
#define COH_PRIMARY_DAEMON_H

/*
 * Fork; the child goes on as the daemon, in a session of its own, without
 * terminal input. The starter waits, then ends the process with the status
 * that the child tells.
 *
 * Returns  In the child: the pipe for coh_daemon_tell_starter. -errno, in the
 *          starter, if there is no child.
 */
int coh_daemon_start(void);

/* The verdict: 0 or 1. Closes the pipe. */
void coh_daemon_tell_starter(int starter, int status);

#endif
