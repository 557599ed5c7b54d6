/* cohort ctl: the admin socket by its verbs, from a command line. */
#ifndef COH_ADMIN_CTL_H
#define COH_ADMIN_CTL_H

#include <stdbool.h>

/*
 * Do what a verb says.
 *
 * path     Of the socket.
 * words    The verb and its arguments; ends with NULL.
 * is_json  Print what was answered as it is.
 * Returns  The exit status: 0 done; 1 refused or failed; 2 a wrong command
 *          line. What happened stands on standard output, errors on standard
 *          error.
 */
int coh_ctl_run(const char *path, char **words, bool is_json);

/* Print all verbs; or how words, as above, are used if they begin with one. */
void coh_ctl_help(char **words);

/* True if words (as above) are a verb with as many arguments as it takes; says
   on standard error why not. */
bool coh_ctl_check(char **words);

/* Reload, or upgrade, and print the verdict: the exit status. */
int coh_ctl_reload(const char *path);
int coh_ctl_upgrade(const char *path);

/* Whether the server at that socket is the process pid. */
bool coh_ctl_is_server(const char *path, int pid);

#endif
