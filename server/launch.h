/* From a configuration to a running server, in the process that was started. */
#ifndef COH_SERVER_LAUNCH_H
#define COH_SERVER_LAUNCH_H

struct coh_program;

/*
 * Serve until a signal ends it: as the primary, as a daemon (whose starter
 * ends here with its verdict), or as the only process, as the configuration
 * says.
 *
 * program  starter and handover are set here; greet is called in the
 *          foreground only.
 * Signals  Of the server: those that came before it returns have no effect
 *          behind it.
 * Process  One thread; coh_spawn_init has been called.
 * Returns  The exit status.
 */
int coh_launch(struct coh_program *program);

#endif
