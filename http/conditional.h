/* Conditional requests: does the client have what it asks for? */
#ifndef COH_HTTP_CONDITIONAL_H
#define COH_HTTP_CONDITIONAL_H

#include <stdbool.h>
#include <time.h>

#include <cohort/str.h>

/* What identifies a version of what is served. */
struct coh_validators {
    struct cohort_str etag; /* "": none */
    time_t modified;
};

/* The request's fields; data NULL: not there. */
struct coh_conditions {
    struct cohort_str if_match;
    struct cohort_str if_unmodified_since;
    struct cohort_str if_none_match;
    struct cohort_str if_modified_since;
    int modified_since; /* enum coh_modified_since: how the last is read */
};

/* 200: serve it. 304: the client has it. 412: it is not what the client
   thinks. */
int coh_conditional_status(
    const struct coh_conditions *conditions,
    const struct coh_validators *validators);

/* Does If-Range allow a part of this version? */
bool coh_if_range_allows(
    struct cohort_str if_range, const struct coh_validators *validators);

#endif
