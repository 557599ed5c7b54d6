/* A client's connection, and its way through its states. */
#ifndef COH_HTTP_CONNECTION_H
#define COH_HTTP_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "core/addr.h"
#include "core/stream.h"
#include "core/timer.h"

struct coh_address;
struct coh_client_settings;
struct coh_held;
struct coh_http;
struct coh_piece;
struct cohort_request;

/* Where a connection stands while nothing of it runs. */
enum coh_connection_state {
    COH_CONNECTION_IDLE,      /* waits for the first byte of a request */
    COH_CONNECTION_READING,   /* has a part of a head */
    COH_CONNECTION_BODY,      /* waits for more of a body that is wanted */
    COH_CONNECTION_DROPPING,  /* the same of one that nobody wants */
    COH_CONNECTION_WAITING,   /* a request was left with COHORT_LATER */
    COH_CONNECTION_WRITING,   /* the client takes no more bytes for now */
    COH_CONNECTION_LINGERING, /* answered for good; reads what is left */
    COH_CONNECTION_STATE_COUNT,
};

TAILQ_HEAD(coh_piece_queue, coh_piece);

/* Who the client is; asked of the kernel when first needed (http/peer.c). */
struct coh_peer {
    uint8_t family;    /* 0: not asked yet */
    uint8_t text_size; /* 0: longer than text */
    uint16_t port;
    uint8_t bytes[16]; /* of an IPv4 or IPv6 address */
    char text[16];     /* "127.0.0.1", "unix:"; NUL-terminated */
};

/* Small: an idle one has no request, no parser, no buffer, no arena. */
struct coh_connection {
    struct coh_stream stream;         /* first: found from its event */
    struct coh_deadline deadline;     /* of the state it is in */
    TAILQ_ENTRY(coh_connection) link; /* of all, oldest first */
    struct coh_http *http;
    const struct coh_address *address; /* the one it came to */
    /* Of the location of the last request; before, of the default server; while
       a large head comes, of the server that it is for. */
    const struct coh_client_settings *client;
    struct cohort_request *request; /* NULL between requests */
    struct coh_held *held; /* bytes received and not yet looked at, or NULL */
    struct coh_piece_queue pieces; /* what a send did not take */
    struct coh_peer peer;
    uint64_t number;     /* "*N" in logs, $connection */
    uint64_t started_ms; /* monotonic */
    uint64_t last_ms;    /* end of the last response, or started_ms */
    uint32_t request_count;
    uint32_t linger_left; /* bytes that lingering may still read */
    uint8_t state;        /* enum coh_connection_state */
    bool is_closing;      /* no further request is read */
    bool must_linger;     /* the client may still be sending when we close */
    bool is_broken;       /* the socket failed: only closing is left */
    bool is_cut;          /* close at once: the answer ends here */
    bool must_reset;      /* only a reset tells that the answer is incomplete */
    bool is_leaving;      /* its next response is its last */
    bool is_last_look;    /* leaving: close it if nothing came */
    bool is_ended;        /* the client sends no more */
    bool has_sent;        /* bytes went out in this callback */
    bool has_received;    /* bytes came in in this callback */
    bool is_delayed;      /* tcp_nodelay was off for the last response */
};

TAILQ_HEAD(coh_connection_list, coh_connection);

/* Take over a client's descriptor, and serve what it has sent already. */
void coh_connection_open(
    struct coh_http *http, int fd, const struct coh_address *address);

/*
 * Close it now and forget it: a request in progress is logged and its deferred
 * calls run. Not from inside its callback.
 */
void coh_connection_close(struct coh_connection *connection);

/* Go on with it: from an event, a resumed request, a deadline. It may be gone
   afterwards. */
void coh_connection_run(struct coh_connection *connection, bool is_readable);

/* Answer with an error of the connection itself (408), inside a run of its
   own. It may be gone afterwards. */
void coh_connection_run_error(struct coh_connection *connection, int status);

/* A deadline of the wheel has passed. */
void coh_connection_on_due(struct coh_deadline *deadline);

/* Change the state, and the gauges with it. */
void coh_connection_set_state(
    struct coh_connection *connection, enum coh_connection_state state);

/* The slow half of coh_connection_set_delay. */
void coh_connection_change_delay(struct coh_connection *connection);

/* Before a response: may the end of what is sent wait for acknowledgements
   (tcp_nodelay off)? A connection begins without, as its listener was told. */
static inline void
coh_connection_set_delay(struct coh_connection *connection, bool is_delayed)
{
    if (connection->is_delayed != is_delayed) {
        coh_connection_change_delay(connection);
    }
}

/* --- those without a request (http/connection_idle.c) --------------------- */

/* Close up to count idle connections that have served a request, the longest
   idle first; those whose next request has come already answer it before.
   Returns how many are closed. Not from inside a connection's callback. */
size_t coh_connections_reclaim(struct coh_http *http, size_t count);

/* Let all go: with their next response, or idle ones spread over
   keepalive_min_timeout. */
void coh_connections_drain(struct coh_http *http);

/* --- the client as logs and rules see it ---------------------------------- */

/* The client's address, in the request's arena. Never NULL; a peer that is gone
   has an address of family AF_UNSPEC. */
const struct coh_addr *coh_request_peer(struct cohort_request *request);

/* The address that accepted it, also behind a wildcard. */
const struct coh_addr *coh_request_local(struct cohort_request *request);

#endif
