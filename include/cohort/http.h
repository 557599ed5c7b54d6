/* The HTTP service for programs and modules: handlers, requests, responses. */
#ifndef COHORT_HTTP_H
#define COHORT_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cohort/cohort.h>
#include <cohort/str.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct cohort_request;

/*
 * What a handler or a phase hook returns. It never writes an error itself: a
 * status (204, 300..308, 400..599) ends the request with the page that the
 * configuration has for it.
 */
enum cohort_verdict {
    COHORT_PASS = 0,   /* nothing to say: the next hook */
    COHORT_ALLOW = -1, /* access phase: enough under "satisfy any" */
    COHORT_DONE = -2,  /* the response has been started */
    COHORT_LATER = -3, /* cohort_resume() will come */
};

/* Returns a verdict or a status. user is what was registered. */
typedef int (*cohort_handler)(struct cohort_request *request, void *user);

/*
 * Let a handler answer everything under a location.
 *
 * location  As in the configuration: "/", "= /exact", "^~ /images/". Copied.
 * Order     Before cohort_run().
 * Returns   0; -EINVAL (bad location); -EEXIST (the same twice).
 */
int cohort_handle(
    struct cohort *cohort, const char *location, cohort_handler handler,
    void *user);

/* --- the request ----------------------------------------------------------
 *
 * Process  The worker that runs the handler, from its event loop.
 * Life     Strings live until the handler returns. After COHORT_LATER, or while
 *          a body is read or a response is streamed, ask for them again: what
 *          is given then lives until the response has ended.
 */

struct cohort_str cohort_request_method(const struct cohort_request *request);
/* As sent, with arguments (of an absolute target: path and arguments). */
struct cohort_str cohort_request_target(const struct cohort_request *request);
/* Decoded and normalised: begins with "/", no "..", no NUL. */
struct cohort_str cohort_request_path(const struct cohort_request *request);
/* What follows "?", as sent. */
struct cohort_str cohort_request_args(const struct cohort_request *request);
/* Lower case, without port; "" if the request has none. */
struct cohort_str cohort_request_host(const struct cohort_request *request);
/* 10 or 11. */
int cohort_request_version(const struct cohort_request *request);

/* The first field of that name (case does not matter). False: none. */
bool cohort_request_header(
    const struct cohort_request *request, const char *name,
    struct cohort_str *value);

/* All fields, in the order sent; stop when each() returns false. */
void cohort_request_each_header(
    const struct cohort_request *request,
    bool (*each)(struct cohort_str name, struct cohort_str value, void *user),
    void *user);

/* Decimal or "unix:"; NUL-terminated, lives with the request. */
const char *cohort_request_peer(struct cohort_request *request);

struct cohort_log *cohort_request_log(struct cohort_request *request);

/* Zeroed memory that lives until the response has ended. Never NULL. */
void *cohort_request_alloc(struct cohort_request *request, size_t size);

/* Call it when the response has ended or the client has gone. */
void cohort_request_defer(
    struct cohort_request *request, void (*call)(void *object), void *object);

/*
 * Read the body. No "100 Continue" is sent before somebody asks, and less than
 * 128 KiB of the body are read from the socket: what came with the head, and
 * while a request is left with COHORT_LATER, which is how a client that goes is
 * noticed, as long as there are less than 64 KiB.
 *
 * on_data  Called with each part, inside this call or later from the loop; the
 *          bytes are the callee's until it returns. size 0: the body is
 *          complete. Returns a verdict: COHORT_LATER goes on reading; any
 *          other one is the request's. It may begin a streamed response and
 *          go on reading (an echo): it is called then whenever on_writable of
 *          that has nothing to give. An error (too large, malformed, timed
 *          out, client gone) ends the request by itself, cuts a response that
 *          has begun, and on_data is not called again: use
 *          cohort_request_defer to learn it.
 * Returns  COHORT_LATER, or the verdict of on_data: return it from the handler.
 */
int cohort_body_read(
    struct cohort_request *request,
    int (*on_data)(
        struct cohort_request *request, const void *data, size_t size,
        void *user),
    void *user);

/* -1: not known before it has been read (chunked). 0: no body. */
int64_t cohort_request_content_length(const struct cohort_request *request);

/* --- the response --------------------------------------------------------- */

/*
 * Add a header field to the response to come. Name and value are copied.
 * -EINVAL: not a token, or CR, LF or NUL in the value; -E2BIG: more than 32,768
 * bytes in one of them, or more than 100 fields, of which those that a module
 * has taken out again are some; -EALREADY: the head has gone out.
 * Connection, Date, Keep-Alive, Server, Content-Length and Transfer-Encoding
 * are the server's own: -EPERM.
 */
int cohort_response_header(
    struct cohort_request *request, struct cohort_str name,
    struct cohort_str value);

/*
 * Answer with a whole body. type NULL: the location's default_type. Data is
 * copied, or written before return. Returns COHORT_DONE (or a status if that
 * fails): return it from the handler.
 *
 * status   200..999; another one is a mistake, which is logged and answered
 *          with 500.
 */
int cohort_respond(
    struct cohort_request *request, int status, const char *type,
    const void *data, size_t size);
int cohort_respond_text(
    struct cohort_request *request, int status, const char *text);

/*
 * Answer piece by piece. Pull governs push: on_writable is asked for at most
 * room bytes when the client can take them, and gives them with cohort_write().
 * Asked again when the output has fallen under its mark; not asked while there
 * is nothing to give: it returns COHORT_LATER without writing, and
 * cohort_resume() makes it be asked again. COHORT_DONE ends the body; any
 * other value cuts the connection, so that the client sees that it is
 * incomplete.
 *
 * length   Bytes of the body; -1: not known (chunked, or ended by close).
 */
int cohort_respond_stream(
    struct cohort_request *request, int status, const char *type,
    int64_t length,
    int (*on_writable)(struct cohort_request *request, size_t room, void *user),
    void *user);

/* Give bytes of the body; copied. Inside on_writable only. -EMSGSIZE: more than
   room, or more than length. */
int cohort_write(struct cohort_request *request, const void *data, size_t size);

/*
 * Go on with a request that was left with COHORT_LATER.
 *
 * verdict  For a handler or hook: as if it returned it now, so also what
 *          cohort_respond() or cohort_respond_stream() has just returned. For a
 *          streamed response: COHORT_PASS, ask on_writable again.
 * Order    Queued, runs from the loop; never inside this call. A request whose
 *          client has gone ignores it until its deferred calls have run; after
 *          them the pointer is dead.
 */
void cohort_resume(struct cohort_request *request, int verdict);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
