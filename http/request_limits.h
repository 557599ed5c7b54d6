/* How large a head may be. */
#ifndef COH_HTTP_REQUEST_LIMITS_H
#define COH_HTTP_REQUEST_LIMITS_H

#include "http/connection.h"
#include "http/guard.h"
#include "http/h1.h"

/* A complete head against the limits of its server. */
enum coh_rule coh_request_check_limits(
    const struct coh_client_settings *client, const struct coh_h1_head *head);

/* Bytes of the largest head that may be taken by these settings. */
uint64_t coh_request_head_max(const struct coh_client_settings *client);

/* A head that is not complete, of size bytes so far, and was read: has it
   outgrown the limits of the server that it is for, as far as that shows? If it
   is larger than connection->client takes, and that server takes more, the
   connection has the settings of that server from now on. */
enum coh_rule coh_request_check_unfinished(
    struct coh_connection *connection, const struct coh_h1_head *head,
    size_t size);

#endif
