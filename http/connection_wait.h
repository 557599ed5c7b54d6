/* What a connection waits for when its callback ends, and for how long. */
#ifndef COH_HTTP_CONNECTION_WAIT_H
#define COH_HTTP_CONNECTION_WAIT_H

#include "http/serve.h"

/* The callback ends: enter the state that the outcome of serving means. The
   connection may be gone afterwards. */
void coh_connection_leave(
    struct coh_connection *connection, enum coh_outcome outcome);

/* Wait for more of what is forgotten. It may be gone afterwards. */
void coh_connection_wait_lingering(struct coh_connection *connection);

#endif
