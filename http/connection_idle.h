/* Connections that nobody is served on: their deadlines, and how they make
   room. */
#ifndef COH_HTTP_CONNECTION_IDLE_H
#define COH_HTTP_CONNECTION_IDLE_H

#include "http/connection.h"

/* The process drains and this one has become, or is, idle: when will it go? */
void coh_connection_drain_idle(struct coh_connection *connection);

#endif
