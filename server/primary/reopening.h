/* Opening log files anew, and handing them to those who write to them. */
#ifndef COH_PRIMARY_REOPENING_H
#define COH_PRIMARY_REOPENING_H

struct coh_primary;

/* The log files of all generations. How many files could not be opened, and
   processes not be told; each after a log line. */
unsigned coh_reopening_all(struct coh_primary *primary);

#endif
