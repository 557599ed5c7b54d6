/* From a head to a request: what the fields mean together, the server that it
   belongs to, and that server's limits. */
#ifndef COH_HTTP_REQUEST_HEAD_H
#define COH_HTTP_REQUEST_HEAD_H

#include "http/guard.h"
#include "http/h1.h"
#include "http/request.h"

/*
 * Fill a request from a complete head, choose its server and begin its phases.
 *
 * Returns  COH_RULE_NONE, or the broken rule; the request then has the
 *          address's default server, or its own if that was known already, and
 *          can be answered with an error.
 */
enum coh_rule coh_request_read_head(
    struct cohort_request *request, struct coh_h1_head *head);

/* A request that is to be answered with an error of its head: the default
   server, and what could be read of the request line. */
void coh_request_begin_broken(
    struct cohort_request *request, const struct coh_h1_head *head);

#endif
