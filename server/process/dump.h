/* All that was read for a configuration, as -T shows it. */
#ifndef COH_PROCESS_DUMP_H
#define COH_PROCESS_DUMP_H

#include <stdio.h>

struct cohort_load;

/* Write what -g said, the text that stands in for a file, and every file, each
   under a comment that says what it is. 0 or -errno. */
int coh_dump(const struct cohort_load *load, FILE *out);

/* The same into a memory file that nobody can change any more: its descriptor,
   or -errno. */
int coh_dump_to_memory(const struct cohort_load *load);

#endif
