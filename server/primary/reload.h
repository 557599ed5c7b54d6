/* Reload as a transaction: a generation is built beside the current one, then
   committed or dropped whole. The start is one, too, with nothing beside. */
#ifndef COH_PRIMARY_RELOAD_H
#define COH_PRIMARY_RELOAD_H

#include <stdbool.h>

struct coh_generation;
struct coh_primary;
struct coh_worker;

void coh_reload_init(struct coh_primary *primary);
void coh_reload_fini(struct coh_primary *primary);

/* Begin, or note that one more is wanted. is_forced: as coh_primary_reload. */
void coh_reload_begin(struct coh_primary *primary, bool is_forced);

/* A generation is being loaded, or sockets of one that was replaced are being
   emptied: another one has to wait. */
bool coh_reload_is_busy(const struct coh_primary *primary);

/* Begin the one that was noted, if nothing stands in its way any more. */
void coh_reload_begin_wanted(struct coh_primary *primary);

/* The same, when the loop comes round to it: the way may be free. */
void coh_reload_reconsider(struct coh_primary *primary);

/* --- steps, told by what happens ------------------------------------------ */

/* Its template has declared everything. */
void coh_reload_loaded(struct coh_generation *generation);

/* One of its workers could serve. */
void coh_reload_worker_ready(struct coh_worker *worker);

/* The workers of one of its groups could. */
void coh_reload_group_ready(struct coh_generation *generation);

/* It was on trial, and does well: commit it. why: what was found. */
void coh_reload_promote(struct coh_generation *generation, const char *why);

/* It cannot be had. why: used if no error was told before. Does nothing for one
   that serves already. */
void coh_reload_failed(struct coh_generation *generation, const char *why);

/* Drop the one that is being loaded without a verdict: the primary leaves. */
void coh_reload_cancel(struct coh_primary *primary);

#endif
