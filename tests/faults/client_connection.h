/* One connection after the other to the server under test, each request
   followed until it is answered or lost. */
#ifndef COHORT_TESTS_FAULTS_CLIENT_CONNECTION_H
#define COHORT_TESTS_FAULTS_CLIENT_CONNECTION_H

#include "client_response.h"
#include "client_tally.h"

struct event_base;

/* How a client behaves. */
struct kind {
    const char *name;
    unsigned requests; /* on a connection; 0 for as many as it lasts */
    unsigned first_ms; /* pauses up to that before the first one */
    unsigned pause_ms; /* and up to that between two */
};

/* What all connections share. */
struct client {
    struct event_base *base;
    struct tally tally;
    struct expected expected;
    const char *path;
    uint16_t port;
    uint64_t patience_us;
    uint64_t idle_us; /* after such a pause the server may have closed */
    bool is_stopping; /* no new requests */
    unsigned active;  /* requests in flight */
};

/*
 * Start a connection that is opened again whenever it ends.
 *
 * Returns  NULL when memory is exhausted. It lives until the process ends.
 */
struct connection *connection_start(
    struct client *client, const struct kind *kind);

/* Give up a request that takes longer than the client's patience, and a
   handshake that has become too long. */
void connection_look(struct connection *connection);

/* Send nothing new; close unless a request is in flight. */
void connection_stop(struct connection *connection);

#endif
