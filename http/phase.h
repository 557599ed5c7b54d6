/* A request's way through the phases of its plan: hooks in order, later ones,
   internal redirects, ends by status, the log. */
#ifndef COH_HTTP_PHASE_H
#define COH_HTTP_PHASE_H

#include <stdbool.h>
#include <stddef.h>

#include <cohort/module/phase.h>

struct coh_location;
struct coh_text_values;
struct coh_virtual_server;

/* Rounds of rewriting and internal redirecting, together. */
#define COH_REDIRECTS_MAX 10

/* What routing keeps in a request: a member of struct cohort_request, zeroed
   with it. */
struct coh_routing {
    /* Set by whoever read the head, before coh_phases_run(). */
    const struct coh_virtual_server *server;
    /* The server's root, then what was found; never NULL after
       coh_phases_begin(). */
    const struct coh_location *location;
    void *const *settings;            /* of location, by module->index */
    struct coh_text_values *values;   /* of variables; NULL: none used yet */
    const struct coh_location *named; /* where an internal redirect leads */
    unsigned short step;              /* the next hook of location's plan */
    unsigned char redirect_count;
    bool is_located;     /* location was found, not the server's root */
    bool is_internal;    /* the URI was changed by an internal redirect */
    bool is_redirecting; /* one was ordered in this pass */
    bool is_error_page;  /* the way leads to the page of an error */
    short error_status;  /* what the page's response has; 0: its own */
};

/*
 * The head has been read and routing.server is set: make the server's settings
 * the request's, so that limits can be looked up and errors answered.
 */
void coh_phases_begin(struct cohort_request *request);

/*
 * Run a request from the first phase on, until it is answered.
 *
 * Order     After coh_phases_begin(). A request that could not be read goes to
 *           coh_phases_end() instead.
 * Returns   COHORT_DONE: the response has been started. COHORT_LATER: the hook
 *           that said so will be gone on with by coh_phases_resume().
 */
int coh_phases_run(struct cohort_request *request);

/* Go on where COHORT_LATER was said, as if the hook had returned verdict now.
   Returns as coh_phases_run(). */
int coh_phases_resume(struct cohort_request *request, int verdict);

/* End a request with a status: error_page, then the built-in page. Also for
   requests that could not be read (400, 408, 413, 414, 431, 501, 505), after
   coh_phases_begin() with the default server. Returns as coh_phases_run(). */
int coh_phases_end(struct cohort_request *request, int status);

/* The last byte has gone, or the client: run the log phase. Once. */
void coh_phases_log(struct cohort_request *request);

#endif
