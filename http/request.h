/* One request, from its head to its log line. */
#ifndef COH_HTTP_REQUEST_H
#define COH_HTTP_REQUEST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <cohort/http.h>

#include "core/arena.h"
#include "http/connection.h"
#include "http/header.h"
#include "http/phase.h"
#include "http/response.h"

struct coh_body;

enum coh_method {
    COH_METHOD_OTHER, /* see method_text */
    COH_METHOD_GET,
    COH_METHOD_HEAD,
    COH_METHOD_POST,
    COH_METHOD_PUT,
    COH_METHOD_DELETE,
    COH_METHOD_OPTIONS,
    COH_METHOD_PATCH,
    COH_METHOD_TRACE,
    COH_METHOD_CONNECT,
};

/*
 * Memory. The struct itself stays where it is from the head to the log. The
 * head and the header slots belong to the process's scratch while the request
 * is served in one go; coh_request_keep() copies them when it outlives the
 * callback. So strings into the head (target, uri, args, host, header values)
 * must be asked for again after COHORT_LATER.
 */
struct cohort_request {
    struct coh_connection *connection;
    struct coh_routing routing; /* server, location, settings: routing's */

    /* --- the head; all of it is "" or 0 if it could not be read --- */
    const char *head;
    uint32_t head_size;   /* from the first byte of the request line to the end
                           of the empty line */
    uint64_t head_number; /* of these very bytes (coh_h1_head); 0: none */
    uint32_t header_count;
    const struct coh_header *headers; /* in the order sent */
    uint64_t seen;          /* coh_header_bit() of all known names in it */
    struct cohort_str line; /* the request line as sent, without its end */
    struct cohort_str method_text;
    struct cohort_str target; /* path and arguments as sent */
    struct cohort_str uri;  /* decoded, normalised path; changed by rewrites */
    struct cohort_str args; /* behind "?", as sent; changed by rewrites */
    struct cohort_str host; /* lower case, without port and trailing dot; "" */
    uint16_t port;          /* of target or Host; 0: none named */
    uint8_t method;         /* enum coh_method; HEAD stays HEAD */
    uint8_t version;        /* 10 or 11 */
    bool is_head_read;      /* false: the strings above may be empty */
    bool keep_alive;        /* the connection may serve another request */
    bool is_pipelined;      /* it came together with the one before */

    /* --- where it stands --- */
    bool is_kept; /* head and slots are in the arena */
    bool is_logged;
    bool is_resumed;  /* queued by cohort_resume() */
    bool has_verdict; /* of cohort_resume(), to be taken */
    int verdict;
    TAILQ_ENTRY(cohort_request) resume_link;
    uint64_t started_ms;   /* monotonic */
    uint64_t request_size; /* bytes received: head and body, for the log */

    struct coh_body *body;  /* NULL: none, or not looked at yet */
    int64_t content_length; /* of its body; -1: chunked; 0: none */
    struct coh_response response;
    struct cohort_log *log;  /* NULL until asked for */
    struct coh_arena *arena; /* NULL: nothing needed one; coh_request_arena() */
};

/* A request of a connection that has none: all zero but started_ms. */
struct cohort_request *coh_request_new(struct coh_connection *connection);

/* Run what was deferred and give everything back. */
void coh_request_free(struct cohort_request *request);

/* Take it from the queue of cohort_resume() (http/resume.c). */
void coh_request_unqueue(struct cohort_request *request);

/* The arena, made when first asked for. Its memory lives until the request has
   been logged. */
struct coh_arena *coh_request_arena(struct cohort_request *request);

/* Move head, slots and fields of the response into the arena, so that they
   outlive the callback. Done by whoever leaves a request for later; twice is
   fine. */
void coh_request_keep(struct cohort_request *request);

/* The name and the value of a field. */
static inline struct cohort_str
coh_request_header_name(
    const struct cohort_request *request, const struct coh_header *header)
{
    return cohort_str_n(request->head + header->name_at, header->name_size);
}

static inline struct cohort_str
coh_request_header_value(
    const struct cohort_request *request, const struct coh_header *header)
{
    return cohort_str_n(request->head + header->value_at, header->value_size);
}

static inline bool
coh_request_has(const struct cohort_request *request, enum coh_header_id id)
{
    return (request->seen & coh_header_bit(id)) != 0;
}

/* The first field with that id, or NULL. */
static inline const struct coh_header *
coh_request_find(const struct cohort_request *request, enum coh_header_id id)
{
    const struct coh_header *header = request->headers;

    if (!coh_request_has(request, id)) {
        return NULL;
    }
    while (header->id != id) {
        header++;
    }
    return header;
}

/* Its value; "" without one. */
static inline struct cohort_str
coh_request_value(const struct cohort_request *request, enum coh_header_id id)
{
    const struct coh_header *header = coh_request_find(request, id);

    return header == NULL ? cohort_str_n("", 0)
                          : coh_request_header_value(request, header);
}

/* Change path and arguments (rewrite, internal redirect): copied. */
void coh_request_set_uri(struct cohort_request *request, struct cohort_str uri);
void coh_request_set_args(
    struct cohort_request *request, struct cohort_str args);

/* The location is known: 0, or 413 if the body is larger than it allows.
   Routing calls it after each choice of a location. */
int coh_request_check_body(const struct cohort_request *request);

#endif
