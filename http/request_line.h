/* The request line: method, target, path and arguments. */
#ifndef COH_HTTP_REQUEST_LINE_H
#define COH_HTTP_REQUEST_LINE_H

#include "http/guard.h"
#include "http/request.h"
#include "http/uri.h"

/* Take over the line; the target as sent. */
void coh_request_take_line(
    struct cohort_request *request, const struct coh_request_line *line);

/* Take apart the target in the form that its method has. */
enum coh_rule coh_request_read_target(
    struct cohort_request *request, struct coh_target *target);

/* Path and arguments, decoded and normal. After the server is known: it says
   whether slashes are merged. */
enum coh_rule coh_request_take_target(
    struct cohort_request *request, const struct coh_target *target);

#endif
