/* Sockets that a generation gives up: emptied first, so that nobody who
   connected to them is reset. */
#ifndef COH_PRIMARY_LEAVING_H
#define COH_PRIMARY_LEAVING_H

#include <stddef.h>

struct coh_generation;

/* Give up the sockets of an acceptor from the first-th on; 0: all of them; but
   not those that another primary has, too. What follows when the last one is
   closed depends on the generation's state: a retiring one's workers drain, a
   serving one's surplus ones do. */
void coh_leaving_start(
    struct coh_generation *generation, size_t index, unsigned first);

/* They are wanted again. Nothing follows. */
void coh_leaving_cancel(struct coh_generation *generation);

/* Accept nothing more, and give all listeners back, at once. */
void coh_leaving_end(struct coh_generation *generation);

#endif
