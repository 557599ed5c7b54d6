/* The built-in pages: what a client sees of a status for which nothing else was
   configured. */
#ifndef COH_HTTP_PAGE_H
#define COH_HTTP_PAGE_H

#include <cohort/str.h>

struct cohort_request;

/* Answer with a status and its page (204, 304: without). Fields added before
   stay. Returns COHORT_DONE, or a status as coh_response_begin(). */
int coh_page_respond(struct cohort_request *request, int status);

#endif
