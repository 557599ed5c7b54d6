/* A client's connection, and what it shares with the others of its process. */
#ifndef COH_HTTP_CONNECTION_H
#define COH_HTTP_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "core/addr.h"
#include "core/stream.h"
#include "core/timer.h"

struct coh_address;
struct coh_held;
struct coh_http;
struct coh_piece;
struct cohort_request;

/* Where a connection stands while nothing of it runs. */
enum coh_connection_state {
    COH_CONNECTION_IDLE,      /* waits for the first byte of a request */
    COH_CONNECTION_READING,   /* has a part of a head */
    COH_CONNECTION_WAITING,   /* a request was left with COHORT_LATER */
    COH_CONNECTION_BODY,      /* waits for more of a body */
    COH_CONNECTION_WRITING,   /* the client takes no more bytes for now */
    COH_CONNECTION_LINGERING, /* answered for good; reads what is left */
    COH_CONNECTION_STATE_COUNT,
};

STAILQ_HEAD(coh_piece_queue, coh_piece);

/* Small: an idle one has no request, no parser, no buffer, no arena. */
struct coh_connection {
    struct coh_stream stream;
    struct coh_deadline deadline;     /* of the state it is in */
    TAILQ_ENTRY(coh_connection) link; /* of all, oldest first */
    struct coh_http *http;
    const struct coh_address *address; /* the one it came to */
    struct cohort_request *request;    /* NULL between requests */
    struct coh_held *held; /* bytes received and not yet looked at, or NULL */
    struct coh_piece_queue pieces; /* what a send did not take */
    uint64_t number;               /* "*N" in logs, $connection */
    uint64_t started_ms;           /* monotonic */
    uint64_t last_ms;              /* end of the last response, or started_ms */
    uint32_t request_count;
    uint8_t state;    /* enum coh_connection_state */
    bool is_running;  /* inside its callback: nobody frees it */
    bool is_closing;  /* no further request is read */
    bool must_linger; /* the client may still be sending when we close */
    bool is_broken;   /* the socket failed: only closing is left */
    bool must_reset;  /* close by a reset */
};

TAILQ_HEAD(coh_connection_list, coh_connection);

/*
 * The client's address: asked of the kernel when first needed, and kept with
 * the request. Never NULL; a peer that is gone has an address of family
 * AF_UNSPEC.
 */
const struct coh_addr *coh_request_peer(struct cohort_request *request);

/* The address that accepted it, also behind a wildcard. */
const struct coh_addr *coh_request_local(struct cohort_request *request);

#endif
