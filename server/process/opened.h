/* What a load asks for, opened in the same process: single-process mode and
   -t. */
#ifndef COH_PROCESS_OPENED_H
#define COH_PROCESS_OPENED_H

#include "server/accept/listener.h"
#include "server/process/load.h"

struct coh_opened {
    bool is_made;
    struct coh_listeners set;
    /* By index; NULL: covered by a wildcard, or in use elsewhere. */
    struct coh_listener *listeners[COH_LOAD_LISTENERS_MAX];
};

/*
 * Open files and sockets. Errors are told as those of the load.
 *
 * is_trial  An address in use is none, and unix sockets are not touched.
 * Returns   0 or -errno; to be closed either way.
 */
int coh_opened_init(
    struct coh_opened *opened, struct cohort_load *load, bool is_trial);
void coh_opened_fini(struct coh_opened *opened, struct cohort_load *load);

/* Open the log files of a load anew: what coh_load_reopen takes. Those that
   cannot be opened are left out, with a line in log each. Returns how many. */
size_t coh_opened_files_anew(
    const struct cohort_load *load, struct cohort_log *log, uint32_t *files,
    int *fds);

#endif
