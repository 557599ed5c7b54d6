/* Emptying a listening socket before it is closed, so that no connection that
   was accepted by the kernel is reset. */
#ifndef COH_SERVER_ACCEPT_EMPTYING_H
#define COH_SERVER_ACCEPT_EMPTYING_H

#include "server/accept/listener.h"

struct coh_loop;
struct coh_emptying;

/*
 * Turn new connections away from the sockets from the first-th on (0: all of
 * them, the address leaves), then watch until they have been empty for 1 s
 * (20 ms on loopback). Whoever accepted there goes on until then: workers and
 * acceptors need not know. What nobody accepts goes to accepted().
 *
 * accepted  Owns fd. NULL: somebody else accepts.
 * done      Called once from the loop, when the sockets can be closed by
 *           coh_listener_shrink or coh_listener_release; emptying is freed
 *           after it.
 * Returns   The object, with a reference to the listener; NULL without memory.
 */
struct coh_emptying *coh_emptying_start(
    struct coh_listener *listener, unsigned first, struct coh_loop *loop,
    void (*accepted)(void *user, int fd), void (*done)(void *user), void *user);

/* Leave it (at the end of the process, or when the listener is wanted again):
   new connections come again, done is not called. */
void coh_emptying_cancel(struct coh_emptying *emptying);

#endif
