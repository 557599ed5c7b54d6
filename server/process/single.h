/* One process that does everything: for debuggers, and
   cohort_set_workers(0). */
#ifndef COH_PROCESS_SINGLE_H
#define COH_PROCESS_SINGLE_H

#include <cohort/cohort.h>

#include "server/command_line.h"

/* Load, open, write the pid file, serve until a signal: TERM and INT end it,
   QUIT drains, USR1 reopens logs; those that take a primary are refused in the
   log. Returns the exit status. */
int coh_single_run(
    const struct coh_options *options, const struct cohort_service *service);

/* -t: the whole load, and every file and address tried that is not in use; pid
   file and sockets of a running server are left alone. Returns the exit
   status. */
int coh_single_test(
    const struct coh_options *options, const struct cohort_service *service,
    bool is_quiet, bool is_dump);

#endif
