/* Who called whom, from a signal handler: addresses by module, as addr2line -e
   takes them. */
#ifndef COH_PROCESS_STACK_H
#define COH_PROCESS_STACK_H

#include <cohort/log.h>

/*
 * What walking the stack needs is loaded, and where the modules are is written
 * down: later it may be too late. Children inherit it.
 *
 * Process  A template, or whoever else may call coh_stack_write later. May
 *          block: it loads a library.
 */
void coh_stack_prepare(void);

/* Called by a signal handler itself: a line for each call of the stack that the
   signal came to. Nothing before coh_stack_prepare. */
void coh_stack_write(const struct cohort_log *log, enum cohort_log_level level);

#endif
