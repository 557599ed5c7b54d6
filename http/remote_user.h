/* The user name that a client gives with "Authorization: Basic". */
#ifndef COH_HTTP_REMOTE_USER_H
#define COH_HTTP_REMOTE_USER_H

#include <stdbool.h>

#include <cohort/str.h>

struct cohort_request;

/* False if it gives none. Lives with the request. */
bool coh_remote_user(struct cohort_request *request, struct cohort_str *user);

#endif
