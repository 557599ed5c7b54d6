/* The head of a response, and whether its connection lives on. */
#ifndef COH_HTTP_RESPONSE_HEAD_H
#define COH_HTTP_RESPONSE_HEAD_H

struct cohort_request;

/* Decide whether the connection serves another request, by what its settings,
   its age and its request say. After the framing is chosen. */
void coh_response_settle_connection(struct cohort_request *request);

/* Put the head into the output. */
void coh_response_write_head(struct cohort_request *request);

#endif
