/* The configuration that serves when there is none. */
#ifndef COH_SERVER_EMBEDDED_CONF_H
#define COH_SERVER_EMBEDDED_CONF_H

#include <stddef.h>

struct coh_arena;
struct coh_options;
struct coh_program;

/*
 * Decide what is loaded without -c: the installed file if there is one, else
 * the embedded text, with its pid file in the user's runtime folder.
 */
void coh_embedded_choose(struct coh_options *options, struct coh_arena *arena);

/* Make the embedded configuration what is loaded. */
void coh_embedded_use(struct coh_options *options, struct coh_arena *arena);

/* Make the runtime folder, and be sure that it is ours. 0, or -errno after a
   line on standard error. */
int coh_embedded_prepare(const struct coh_options *options);

/* Say where it serves, and what to type next. */
void coh_embedded_greet(
    const struct coh_program *program, unsigned workers, size_t groups);

#endif
