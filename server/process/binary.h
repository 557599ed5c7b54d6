/* This program as it was started: its file, by the name that a newer one would
   have, and its words. */
#ifndef COH_PROCESS_BINARY_H
#define COH_PROCESS_BINARY_H

struct coh_binary {
    char *path;   /* absolute; NULL: not known (there is no /proc) */
    char **words; /* of the command line; ends with NULL */
};

/*
 * Find both. A path with links in it stays as it was given: what it leads to
 * may be another file by the time that it is executed.
 *
 * Process  Before the process title is changed; in the folder that it was
 *          started in.
 */
void coh_binary_find(struct coh_binary *binary);

void coh_binary_fini(struct coh_binary *binary);

#endif
