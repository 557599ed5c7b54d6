/* Standard error of a worker that is not ready yet: a pipe to the primary,
   which passes it on, and quotes it if the worker dies. */
#ifndef COH_PROCESS_LAST_WORDS_H
#define COH_PROCESS_LAST_WORDS_H

struct cohort_log;

/* Speak there from now on, with what goes wrong in a log that is written
   elsewhere. speaker is taken over. */
void coh_last_words_begin(int speaker, struct cohort_log *log);

/* Ready: as before. */
void coh_last_words_end(void);

#endif
