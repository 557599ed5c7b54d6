/* cohort ctl and cohort top: the server that is meant is found in the
   configuration, which is read here, never by a running primary. */
#ifndef COH_SERVER_CONTROL_H
#define COH_SERVER_CONTROL_H

#include <stdbool.h>

struct coh_place;
struct cohort_service;

/* True if the first argument is one of the two words. */
bool coh_control_is_asked(int argc, char **argv);

/* Do what the command line says; service: whose directives the configuration
   may have. The exit status. */
int coh_control_run(
    int argc, char **argv, const struct cohort_service *service);

/* Reload, or upgrade, the server that is the process pid, and wait for its
   verdict, if it answers at that place. The exit status; -1: it does not. */
int coh_control_reload(const struct coh_place *place, int pid);
int coh_control_upgrade(const struct coh_place *place, int pid);

#endif
