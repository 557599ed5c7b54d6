/* Signals as a door of the primary. */
#ifndef COH_PRIMARY_SIGNALS_H
#define COH_PRIMARY_SIGNALS_H

struct coh_primary;

/* INT stops and so does TERM (unless term_signal is graceful), QUIT quits, HUP
   reloads, USR1 reopens logs, WINCH drains workers, TTIN and TTOU scale main,
   or the only group where main has no workers. 0 or -errno; undone by
   coh_signals_fini. */
int coh_primary_signals_init(struct coh_primary *primary);

#endif
