/* One worker that is to leave, with or without a successor. */
#ifndef COH_PRIMARY_DISMISS_H
#define COH_PRIMARY_DISMISS_H

#include <cohort/cluster.h>

struct coh_worker;

/* Drain it, and remember why: the first reason counts. */
void coh_dismiss(struct coh_worker *worker, enum cohort_reason reason);

/*
 * Let it finish and leave; nobody takes its place before workers are scaled or
 * the configuration is reloaded.
 *
 * Returns  0; -EBUSY where workers have sockets of their own: who connects to
 *          this one's would wait for nobody; -EALREADY: it leaves already.
 */
int coh_dismiss_disconnect(struct coh_worker *worker);

/*
 * Send it a signal, at once. One that ends it makes it leave like
 * coh_dismiss_disconnect, but where that returns -EBUSY another worker follows.
 *
 * Returns  0; -EBUSY for QUIT, by which it would finish first, where that
 *          returns the same.
 */
int coh_dismiss_kill(struct coh_worker *worker, int number);

/*
 * Start another one in its place, and drain this one when that serves; should
 * that die before, this one stays.
 *
 * successor  Out.
 * Returns    0; -EINPROGRESS: it does not serve yet; -EALREADY: it leaves
 *            already, or is being replaced; -EAGAIN: the last successor has died
 *            young, so the next one has to wait; -ECHILD: there is no template;
 *            -ENOBUFS: no worker can be started, the log says why.
 */
int coh_dismiss_replace(
    struct coh_worker *worker, struct coh_worker **successor);

/* --- steps, told by what happens ------------------------------------------ */

/* It serves, or is to leave: so its predecessor goes. */
void coh_dismiss_predecessor(struct coh_worker *worker);

/* It has ended: its predecessor stays, if it has one, and gets connections
   again if it is well. The next successor has to wait if this one's life was
   short. */
void coh_dismiss_undo(struct coh_worker *worker);

#endif
