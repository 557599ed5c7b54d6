/* How a connection ends. */
#ifndef COH_HTTP_CONNECTION_CLOSE_H
#define COH_HTTP_CONNECTION_CLOSE_H

#include "http/connection.h"

/* Nothing more will be served: close it, or let the client finish what it is
   sending first, so that it reads our answer and not a reset. */
void coh_connection_finish(struct coh_connection *connection);

/* Something came on a lingering connection: read and forget it. */
void coh_connection_linger(struct coh_connection *connection);

/* Close by a reset if reset_timedout_connection says so, else as usual. */
void coh_connection_time_out(struct coh_connection *connection);

#endif
