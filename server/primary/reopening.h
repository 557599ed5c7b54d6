/* Opening log files anew, and handing them to those who write to them. */
#ifndef COH_PRIMARY_REOPENING_H
#define COH_PRIMARY_REOPENING_H

struct coh_primary;
struct coh_template;
struct coh_worker;

/* The log files of all generations. How many files could not be opened, and
   processes not be told; each after a log line. One that is told but has no
   descriptor left for them asks again. */
unsigned coh_reopening_all(struct coh_primary *primary);

/* A worker asks again. */
void coh_reopening_worker(struct coh_worker *worker);

/* A template asks again: with it, workers that have come from it meanwhile get
   them. */
void coh_reopening_template(struct coh_template *template);

#endif
