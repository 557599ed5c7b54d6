/* What ps shows. */
#ifndef COH_PROCESS_TITLE_H
#define COH_PROCESS_TITLE_H

/* "cohort: worker 3". The words that the process was started with stay
   readable: the title stands in memory of its own. Does nothing where the
   kernel does not let us. */
void coh_title_set(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

#endif
