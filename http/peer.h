/* Who the client of a connection is. */
#ifndef COH_HTTP_PEER_H
#define COH_HTTP_PEER_H

#include "core/addr.h"
#include "http/connection.h"

/* Its address; family AF_UNSPEC if the client is gone already. */
void coh_peer_address(struct coh_connection *connection, struct coh_addr *addr);

/* Its host as logs show it: "127.0.0.1", "::1", "unix:"; NUL-terminated. Points
   into the connection or at out. */
const char *coh_peer_text(
    struct coh_connection *connection, char out[COH_ADDR_TEXT_MAX]);

#endif
