/* The end of a generation: replaced, quit, or dropped. */
#ifndef COH_PRIMARY_RETIRE_H
#define COH_PRIMARY_RETIRE_H

struct coh_acceptor;
struct coh_generation;
struct coh_listener;

void coh_retire_init(struct coh_generation *generation);
void coh_retire_fini(struct coh_generation *generation);

/*
 * Let a serving generation end without losing anybody: addresses that leave
 * with it are emptied, then its workers drain.
 *
 * successor  Goes on with the addresses that they share; NULL: none.
 */
void coh_retire(
    struct coh_generation *generation, const struct coh_generation *successor);

/* All its sockets are empty. */
void coh_retire_go_on(struct coh_generation *generation);

/* Let the workers of a serving generation leave, which keeps its sockets; and
   start new ones. */
void coh_retire_workers(struct coh_generation *generation);
void coh_retire_workers_undo(struct coh_generation *generation);

/* End its processes by a signal. May free it. */
void coh_retire_at_once(struct coh_generation *generation, int number);

/* The acceptor that a generation has for a listener; NULL: none. */
struct coh_acceptor *coh_retire_successor(
    struct coh_generation *generation, const struct coh_listener *listener);

#endif
