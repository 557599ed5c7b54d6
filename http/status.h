/* Status codes and what they are called. */
#ifndef COH_HTTP_STATUS_H
#define COH_HTTP_STATUS_H

#include <stdbool.h>

#include <cohort/str.h>

/* Close the connection without an answer. */
#define COH_STATUS_CLOSE 444

/* "404 Not Found", as status lines and pages show it; "306 " for a status that
   has no name here; NUL-terminated, of static life. status: 100..999. */
struct cohort_str coh_status_text(int status);

/* One that a response can have: 200..999. Those below tell that one will
   come. */
static inline bool
coh_status_is_final(int status)
{
    return status >= 200 && status <= 999;
}

/* What the client is told: 494 to 497 are names for kinds of 400. */
int coh_status_on_wire(int status);

/* Errors behind which nobody knows where the next request begins, or shouldn't
   care to: the connection is closed. */
bool coh_status_ends_connection(int status);

/* A body is never sent: 1xx, 204, 304. */
bool coh_status_is_bodiless(int status);

#endif
