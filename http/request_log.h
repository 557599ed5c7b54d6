/* The error log of a request or a connection: which one, and what its lines say
   about their context. */
#ifndef COH_HTTP_REQUEST_LOG_H
#define COH_HTTP_REQUEST_LOG_H

#include "core/log.h"
#include "http/connection.h"

/* For lines about a connection that has no request. */
struct coh_connection_log {
    struct cohort_log log;
    struct coh_connection *connection;
};

/* log is valid as long as it and the connection are. Returns &log->log. */
struct cohort_log *coh_connection_log(
    struct coh_connection_log *log, struct coh_connection *connection);

#endif
