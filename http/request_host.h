/* The host of a request, and the server that it names. */
#ifndef COH_HTTP_REQUEST_HOST_H
#define COH_HTTP_REQUEST_HOST_H

#include "http/guard.h"
#include "http/request.h"
#include "http/uri.h"

/* A host that was read before: most requests of a process name the same. */
struct coh_host_memo {
    const struct coh_address *address;
    const struct coh_virtual_server *server; /* NULL: nothing is known */
    size_t size;                             /* of text */
    size_t name_size;                        /* its begin that is the name */
    uint16_t port;
    char text[64]; /* as sent, without upper-case letters */
};

/*
 * Read Host, and the target's authority, which outranks it: request->host, port
 * and routing.server. The server is set in any case: the default one when the
 * host is invalid.
 */
enum coh_rule coh_request_read_host(
    struct cohort_request *request, const struct coh_target *target);

#endif
