/* A response: its head, then its body by memory, file ranges or a producer. */
#ifndef COH_HTTP_RESPONSE_H
#define COH_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cohort/http.h>

struct coh_rendered;

/* A field of the response to come. Both strings live with the request. */
struct coh_field {
    struct cohort_str name;
    struct cohort_str value;
    bool is_removed;
};

enum coh_response_stage {
    COH_RESPONSE_NONE,  /* fields may be added */
    COH_RESPONSE_BODY,  /* the head is out */
    COH_RESPONSE_ENDED, /* complete, or cut */
};

/* How long a client has been waited for; for minimum rates. */
struct coh_pace {
    uint64_t waited_ms;
    uint64_t since_ms; /* the last wait, while it lasts */
};

struct coh_response {
    int status;    /* 0: none yet */
    uint8_t stage; /* enum coh_response_stage */
    bool is_chunked;
    bool is_head_only; /* HEAD, 204, 304: the body is not sent */
    bool is_closing;   /* told the client so */
    bool is_pumping;   /* on_writable runs */
    bool is_starved;   /* the producer gave nothing: wait for its resume */
    bool is_length_known;
    uint16_t field_count;
    uint16_t field_room; /* less: fields are those of a rendered answer */
    struct coh_field *fields;
    struct cohort_str type; /* of Content-Type; "": none */
    uint64_t length;        /* of the body, if known */
    uint64_t given;         /* bytes of the body so far */
    size_t room;            /* what on_writable may still give */
    int (*on_writable)(struct cohort_request *request, size_t room, void *user);
    void *user;
    /* Given to the output, without what it could not send; for the log. An
       answer that fits into the batch (64 KiB) is logged before it is sent, and
       counts as a whole. */
    uint64_t head_sent;
    uint64_t body_sent;   /* without chunk framing */
    uint64_t sent;        /* everything */
    struct coh_pace pace; /* of the client that takes it */
};

/* Names are compared without case; also those of fields set by modules. */
struct coh_field *coh_response_find(
    const struct cohort_request *request, struct cohort_str name);

/* Take out all fields of that name. */
void coh_response_remove(
    struct cohort_request *request, struct cohort_str name);

/* Add a field without the checks of cohort_response_header(); strings are not
   copied and must live with the request. 0 or -E2BIG. */
int coh_response_add(
    struct cohort_request *request, struct cohort_str name,
    struct cohort_str value);

/* Copy the fields of a rendered answer: its request is logged when that answer
   may be gone, with the file that it was made of. Twice is fine. */
void coh_response_keep_fields(struct cohort_request *request);

/* Forget everything said about a response whose head is not out: an internal
   redirect or an error page makes another one. */
void coh_response_clear(struct cohort_request *request);

/* May a handler answer, and with this status? 0, or the status to end with
   instead; a status that is none is logged. */
int coh_response_check(struct cohort_request *request, int status);

/*
 * Start a response: run the head filters, decide framing, write the head.
 *
 * status  200..999.
 * type    "": none, unless a field Content-Type was added. Not copied.
 * length  Bytes of the body to come; -1: unknown.
 * Returns 0; or a status to end with instead: the part of the request's body
 *         that is there already is malformed or too large. The fields added
 *         are gone then.
 */
int coh_response_begin(
    struct cohort_request *request, int status, struct cohort_str type,
    int64_t length);

/* Give a part of the body; copied. After coh_response_begin(). */
void coh_response_memory(
    struct cohort_request *request, const void *data, size_t size);

/*
 * Give a range of a file, sent when its turn comes as the location's sendfile
 * says.
 *
 * fd       Stays the caller's.
 * release  Called with object when fd is no longer needed: also when the
 *          client has gone, and if nothing is sent (HEAD).
 */
void coh_response_file(
    struct cohort_request *request, int fd, off_t offset, uint64_t size,
    void (*release)(void *object), void *object);

/*
 * The output drops bytes that were given and did not go out.
 *
 * size  May be larger than what was given: answers before this one, whose
 *       requests are logged, have waited with it.
 */
void coh_response_lose(struct cohort_request *request, uint64_t size);

/* The body is complete. If it is shorter than the length given, the connection
   is closed behind it. Returns COHORT_DONE. */
int coh_response_end(struct cohort_request *request);

/* Give up a response whose head is out: the connection is cut, so that the
   client sees that it is incomplete. Returns COHORT_DONE. */
int coh_response_abort(struct cohort_request *request);

/* A handler's type, which may not live as long as the request; NULL: the
   location's default_type. */
struct cohort_str coh_response_own_type(
    struct cohort_request *request, const char *type);

/* Answer with a constant that was rendered at load. Returns COHORT_DONE, or a
   status as coh_response_begin(). */
int coh_respond_rendered(
    struct cohort_request *request, const struct coh_rendered *rendered);

/* The head filters of a location's plan (http/plan.c): add and change fields
   by cohort_response_header() and the functions above. */
void coh_response_filter(struct cohort_request *request, int status);

#endif
