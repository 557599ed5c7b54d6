/* What the kernel refuses to a worker once it is ready: beside the rights that
   it gave up, system calls and files that serving needs none of. */
#ifndef COH_PROCESS_SANDBOX_H
#define COH_PROCESS_SANDBOX_H

#include <stdbool.h>

#include <cohort/conf.h>

struct cohort_load;
struct cohort_log;

/* worker_sandbox; each has what those before it have. */
enum coh_sandbox {
    COH_SANDBOX_OFF,
    COH_SANDBOX_BASIC, /* no file is executed or written, no port listened on */
    COH_SANDBOX_LOG,   /* the kernel logs unexpected system calls */
    COH_SANDBOX_ON,    /* which fail, and only files that were named are read */
};

/* By enum coh_sandbox. */
extern const struct cohort_conf_choice coh_sandbox_choices[];

/* Whether this build knows a mode; why: if not, what to do. */
bool coh_sandbox_is_built(enum coh_sandbox mode, const char **why);

/*
 * Enter the sandbox of the load's settings, for good.
 *
 * Process  A worker that has started and read nothing from clients yet, after
 *          coh_privilege_drop.
 * Returns  0, or -errno after a log line: the worker must not serve. That it
 *          cannot be had is an error of COH_SANDBOX_ON alone.
 */
int coh_sandbox_enter(const struct cohort_load *load, struct cohort_log *log);

/* COH_SANDBOX_BASIC, whatever the settings say: for who does nothing of what it
   refuses. */
void coh_sandbox_enter_basic(
    const struct cohort_load *load, struct cohort_log *log);

#endif
