/* The public HTTP interface as the admin service's tests see it: requests
   without sockets, and a primary that writes down what it is asked. */
#ifndef TESTS_SERVER_ADMIN_FAKE_HTTP_H
#define TESTS_SERVER_ADMIN_FAKE_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include <cohort/http.h>

#include "server/admin/service.h"

#define FAKE_ASKS_MAX 16
#define FAKE_DATA_MAX (64 * 1024)

/* A request, and what became of it. */
struct cohort_request {
    const char *method;
    const char *path;
    const char *args;
    const char *sent; /* its body */
    size_t sent_size;
    size_t piece;    /* the body comes in pieces of that many bytes */
    bool is_chunked; /* its length is not known before */

    int verdict; /* what the handler returned, or was resumed with */
    int status;  /* of the answer; 0: none yet */
    char type[64];
    char allow[64]; /* the field of that name */
    char *answer;   /* NUL-terminated */
    size_t answer_size;
    unsigned resumed_count;

    int (*on_writable)(struct cohort_request *request, size_t room, void *user);
    void *user;
    size_t room;
    void (*deferred)(void *object);
    void *object;
    void *memory;
};

/* What the primary was asked, in its order. */
struct fake_ask {
    struct coh_frame_ask frame;
    size_t size;
    char data[FAKE_DATA_MAX + 1]; /* a NUL follows */
};

struct fake {
    struct coh_admin *admin;
    struct fake_ask asks[FAKE_ASKS_MAX];
    size_t ask_count;
    int ask_result; /* given to the service: 0 or -errno */
};

/* The service, registered and connected. */
struct fake *fake_new(void);
void fake_free(struct fake *fake);

/* The directives of the http context that it has set. */
const char *fake_directives(void);

/* A request, answered or waiting. body NULL: none. */
struct cohort_request *fake_request(
    const char *method, const char *path, const char *body);

/* Fill in what else it is to be before sending it. */
struct cohort_request *fake_prepare(
    const char *method, const char *path, const char *body);
void fake_send(struct cohort_request *request);

/* It has ended: deferred calls run, all is freed. */
void fake_end(struct cohort_request *request);

/* Let a streamed answer give up to room bytes; what on_writable returned. */
int fake_pull(struct cohort_request *request, size_t room);

/* The primary answers the ask of that index. */
void fake_outcome(
    struct fake *fake, size_t index, int result, unsigned value,
    const char *text);

#endif
