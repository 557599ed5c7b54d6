/* How large a head may be. */
#ifndef COH_HTTP_REQUEST_LIMITS_H
#define COH_HTTP_REQUEST_LIMITS_H

#include "http/connection.h"
#include "http/guard.h"
#include "http/h1.h"

/* A complete head against the limits of its server. */
enum coh_rule coh_request_check_limits(
    const struct coh_client_settings *client, const struct coh_h1_head *head);

/* A head that is not complete, of size bytes so far: has it outgrown the limits
   of the server that it is for, as far as that shows? */
enum coh_rule coh_request_check_unfinished(
    const struct coh_connection *connection, const struct coh_h1_head *head,
    size_t size);

#endif
