/* How processes are made: forked with a pidfd, and this binary executed
   anew. */
#ifndef COH_PROCESS_SPAWN_H
#define COH_PROCESS_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Remember what a child must find as we found it: the binary itself, the limit
 * of descriptors, the signal mask. Call once, early in main (or cohort_run).
 * 0 or -errno.
 */
int coh_spawn_init(void);

/*
 * Fork by a raw clone: no atfork handlers run, so the caller has one thread
 * and holds no lock.
 *
 * is_sibling  The child is our parent's, not ours (a template's worker).
 * pidfd       Out, in the caller: CLOEXEC.
 * Returns     The child's pid; -errno; 0 in the child, where every signal is
 *             blocked until it has dispositions of its own
 *             (coh_spawn_child_signals).
 */
pid_t coh_spawn_fork(bool is_sibling, int *pidfd);

/* In a child: every signal back to its default, but those in ignored[] (ends
   with 0), then the mask empty. */
void coh_spawn_child_signals(const int *ignored);

/*
 * In a child: execute this binary anew with words (ends with NULL) and the
 * environment of now, with dispositions, mask and limit of descriptors as at
 * start. Descriptors 0 to 2 and those in keep[] stay open. Returns only on
 * failure: -errno.
 */
int coh_spawn_self(char **words, const int *keep, size_t keep_count);

/* The same with another program, which is looked up in the PATH of now if its
   name has no slash; NULL: this binary. */
int coh_spawn_program(
    const char *file, char **words, const int *keep, size_t keep_count);

/* The same with the file of that path, whatever it is by now; also without a
   child, when this process itself becomes another. */
int coh_spawn_path(
    const char *path, char **words, const int *keep, size_t keep_count);

/* In a child that will execute nothing: close what start remembered. */
void coh_spawn_forget(void);

/* How long a worker may live without its primary: everybody is gone within a
   second, and a timer is never early. */
#define COH_SPAWN_ORPHAN_LIFE_MS 900

/* Get a signal when our parent dies. -ESRCH: it has died already. Call after
   the last change of credentials, which forgets it. */
int coh_spawn_die_with_parent(pid_t parent, int number);

#endif
