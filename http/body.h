/* The body of a request: read by whoever asks for it, else dropped. */
#ifndef COH_HTTP_BODY_H
#define COH_HTTP_BODY_H

#include <stdbool.h>
#include <stdint.h>

#include <cohort/str.h>

#include "http/h1.h"
#include "http/request.h"

/* In the request's arena. */
struct coh_body {
    struct coh_h1_body h1;
    uint64_t received;    /* bytes of data */
    uint64_t dropped;     /* of these, by nobody's wish */
    struct coh_pace pace; /* of the client that sends it */
    int (*on_data)(
        struct cohort_request *request, const void *data, size_t size,
        void *user); /* NULL: nobody has asked */
    void *user;
    bool is_told;        /* on_data has seen the end */
    bool wants_continue; /* the client waits for "100 Continue" */
};

/* A head with a body behind it has been read: request->body and
   content_length. */
void coh_body_open(
    struct cohort_request *request, const struct coh_h1_head *head);

/* Somebody has asked and not yet seen the end. */
bool coh_body_is_wanted(const struct cohort_request *request);

/* All of it has been received. */
static inline bool
coh_body_is_complete(const struct cohort_request *request)
{
    return request->body == NULL || request->body->h1.is_complete;
}

/*
 * Give what is in *input to whoever asked, and take it from there.
 *
 * Returns  COHORT_LATER: all of the input is used up and more is needed; else
 *          what on_data said; or 400 or 413, logged: the body is malformed or
 *          too large, and nothing behind it can be read.
 */
int coh_body_feed(struct cohort_request *request, struct cohort_str *input);

/*
 * Read what is in *input and drop it.
 *
 * Returns  COHORT_DONE: the body is complete; COHORT_LATER: more is to come; or
 *          a status as coh_body_feed(), or 413 when dropping more isn't worth
 *          it.
 */
int coh_body_discard(struct cohort_request *request, struct cohort_str *input);

/* The same for what has been received, if nobody asked for the body: 0, or the
   status to answer with. A request without a body: 0. */
int coh_body_discard_rest(struct cohort_request *request);

static inline int
coh_body_discard_received(struct cohort_request *request)
{
    return request->body == NULL ? 0 : coh_body_discard_rest(request);
}

/* The body doesn't hinder another request on this connection: it is complete,
   or the rest is small enough to be dropped and will surely come. */
bool coh_body_allows_next(const struct cohort_request *request);

#endif
