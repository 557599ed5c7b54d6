/* All that was read for a configuration, as -T shows it. */
#ifndef COH_PROCESS_DUMP_H
#define COH_PROCESS_DUMP_H

#include <stdio.h>

struct coh_conf;

/* Write every file, each under a comment with its name. 0 or -errno. */
int coh_dump(const struct coh_conf *conf, FILE *out);

/* The same into a memory file that nobody can change any more: its descriptor,
   or -errno. */
int coh_dump_to_memory(const struct coh_conf *conf);

#endif
