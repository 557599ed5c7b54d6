/* A response whose body is asked for piece by piece. */
#ifndef COH_HTTP_RESPONSE_STREAM_H
#define COH_HTTP_RESPONSE_STREAM_H

#include "http/request.h"
#include "http/serve.h"

/* Ask the producer as long as the output has room. Returns COH_SERVE_NEXT when
   the response has ended, else what it waits for. */
enum coh_outcome coh_response_pump(struct cohort_request *request);

/* The producer has something again (COHORT_PASS), has just begun (COHORT_DONE),
   or gives up. */
void coh_response_resume(struct cohort_request *request, int verdict);

#endif
