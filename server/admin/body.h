/* The JSON body of a request. */
#ifndef COH_ADMIN_BODY_H
#define COH_ADMIN_BODY_H

#include <cohort/http.h>

#include "core/json.h"

struct coh_admin;

/*
 * Read the body, then go on.
 *
 * known    Names of the members that it may have, static; ends with NULL; NULL:
 *          none. One of another name was answered with 422: what was meant by
 *          it would not be done.
 * on_body  body: NULL when there is none; the caller's until it returns. user:
 *          what was given. Returns a verdict.
 * Returns  A verdict: return it from the handler. A body that is no JSON was
 *          answered with 400 and where it is wrong, one that is no object with
 *          422.
 */
int coh_body_read(
    struct coh_admin *admin, struct cohort_request *request,
    const char *const *known,
    int (*on_body)(
        struct coh_admin *admin, struct cohort_request *request,
        const struct coh_json *body, uint64_t user),
    uint64_t user);

/* The same for a body of any JSON, as its text, at most max bytes of it (then
   it is 413). Without a body it is 400, too. */
int coh_body_read_text(
    struct coh_admin *admin, struct cohort_request *request, size_t max,
    int (*on_text)(
        struct coh_admin *admin, struct cohort_request *request,
        struct cohort_str text, uint64_t user),
    uint64_t user);

/* A member of the body that is a number of min to max: 0; otherwise 422 has
   been answered, and *verdict is to be returned. fallback: taken where there is
   none; -1: it must be there. */
int coh_body_number(
    struct cohort_request *request, const struct coh_json *body,
    const char *name, int64_t min, int64_t max, int64_t fallback,
    int64_t *number, int *verdict);

/* A member that is true or false; *flag stays as it is where there is none. The
   rest as above. */
int coh_body_flag(
    struct cohort_request *request, const struct coh_json *body,
    const char *name, bool *flag, int *verdict);

#endif
