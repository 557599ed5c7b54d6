/* Dates in header fields. */
#ifndef COH_HTTP_DATE_H
#define COH_HTTP_DATE_H

#include <stdbool.h>
#include <time.h>

#include <cohort/str.h>

/* Any of HTTP's three forms: "Sun, 06 Nov 1994 08:49:37 GMT",
   "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994". False: none. */
bool coh_http_date_parse(struct cohort_str text, time_t *when);

#endif
