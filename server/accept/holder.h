/* Who holds an address that we cannot have. */
#ifndef COH_SERVER_ACCEPT_HOLDER_H
#define COH_SERVER_ACCEPT_HOLDER_H

#include <stdbool.h>

#include "core/addr.h"

#define COH_HOLDER_MAX 64

/* "nginx (process 812)", or "another process" where /proc does not tell.
   Returns out. Blocks: a start that fails is the time for it. */
const char *coh_holder_find(
    const struct coh_addr *address, char out[COH_HOLDER_MAX]);

/* A unix socket that refuses connections: somebody has bound it and is about to
   listen (false where /proc does not tell). It is not stale, then. */
bool coh_holder_is_coming(const struct coh_addr *address);

/* The lowest port that needs no right. */
unsigned coh_unprivileged_port(void);

#endif
