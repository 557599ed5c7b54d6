/* Emptying a listening socket before it is closed, so that no connection that
   was accepted by the kernel is reset. */
#ifndef COH_SERVER_ACCEPT_EMPTYING_H
#define COH_SERVER_ACCEPT_EMPTYING_H

#include <stdbool.h>

#include "server/accept/listener.h"

struct coh_loop;

/*
 * Turn new connections away from the sockets from the first-th on (0: all of
 * them, the address leaves), watch until they have been empty for 1 s (20 ms on
 * loopback), then close them. Whoever accepted there goes on meanwhile: workers
 * and acceptors need not know. Sockets of a listener that is given to programs
 * stay open, and turned away, until it is released.
 *
 * accepted  Gets what nobody else accepts, and owns fd. NULL: somebody does.
 * done      Called once, from the loop: the sockets are closed (give your own
 *           reference back now), or the address was wanted again. NULL: nobody
 *           asks.
 * Returns   0; -EALREADY when it is being emptied; -EBUSY when another primary
 *           has all these sockets, too; -ENOMEM. Those that it has are left
 *           out.
 */
int coh_emptying_start(
    struct coh_listener *listener, unsigned first, struct coh_loop *loop,
    void (*accepted)(void *user, int fd), void (*done)(void *user), void *user);

/* Connections waited there at the last look. False when nothing is emptied. */
bool coh_emptying_has_waiting(const struct coh_listener *listener);

/* Whoever accepted there has gone, or has no more time: close the sockets now,
   which resets what still waits; done is called. Fine when nothing is
   emptied. */
void coh_emptying_give_up(struct coh_listener *listener);

/* New connections come again; done is called. Fine when nothing is emptied. */
void coh_emptying_cancel(struct coh_listener *listener);

/* For coh_listener_release: nobody else holds the listener. Close what was left
   open for programs that it was given to. */
void coh_emptying_close(struct coh_listener *listener);

/* For coh_listeners_fini: stop looking, tell nobody, keep the reference. */
void coh_emptying_forget(struct coh_listener *listener);

#endif
