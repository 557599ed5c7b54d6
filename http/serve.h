/* The requests of a connection, one after the other, out of what was
   received. */
#ifndef COH_HTTP_SERVE_H
#define COH_HTTP_SERVE_H

#include "http/connection.h"

/* Why serving has stopped. */
enum coh_outcome {
    COH_SERVE_NEXT,   /* (inside) the request is done, on with the next */
    COH_SERVE_HEAD,   /* between requests, or a head is not complete */
    COH_SERVE_BODY,   /* a wanted body isn't */
    COH_SERVE_DROP,   /* an unwanted body isn't */
    COH_SERVE_RESUME, /* somebody will call cohort_resume() */
    COH_SERVE_OUTPUT, /* the output must go out first */
    COH_SERVE_CLOSE,  /* nothing more will be served */
};

/* Serve as far as the input, the output and the handlers let it. */
enum coh_outcome coh_serve(struct coh_connection *connection);

/* Answer for the whole connection with an error (408), as far as no answer has
   been begun, and serve nothing more. */
enum coh_outcome coh_serve_error(struct coh_connection *connection, int status);

/* The client is gone: log its request and let it go. */
void coh_serve_gone(struct coh_connection *connection);

#endif
