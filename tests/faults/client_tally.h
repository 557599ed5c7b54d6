/* What the counting client counts, and how it tells. */
#ifndef COHORT_TESTS_FAULTS_CLIENT_TALLY_H
#define COHORT_TESTS_FAULTS_CLIENT_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#define TALLY_COMPLAINTS_MAX 4096
#define TALLY_BUCKETS 512

/* One request that was not answered as it should have been. */
struct complaint {
    uint64_t at_us; /* CLOCK_MONOTONIC */
    const char *what;
    const char *kind; /* of the connection */
    long worker;      /* who answered on it before, 0 if nobody did */
    uint64_t received;
};

/* Requests are in flight, or end as answered, wrong, lost or raced. */
struct tally {
    uint64_t sent;
    uint64_t answered; /* complete and right, byte for byte */
    uint64_t wrong;    /* complete, but another status or body */
    uint64_t lost;     /* sent, and no complete response came */
    uint64_t raced; /* lost behind a pause that allowed the server to close */

    uint64_t connections;
    uint64_t refused; /* nobody listens, or no answer came for CONNECT_MAX_US */
    uint64_t reset;   /* connections, whether a request was in flight or not */
    uint64_t closed;  /* by the server, in order, between two requests */
    uint64_t unable;  /* no local port or descriptor: our fault */

    uint64_t bytes_sent;
    uint64_t bytes_received;

    uint64_t latencies[TALLY_BUCKETS];
    uint64_t latency_max_us;

    uint64_t complained; /* about what follows, and about more if it is full */
    struct complaint complaints[TALLY_COMPLAINTS_MAX];
};

/* Microseconds of CLOCK_MONOTONIC. */
uint64_t now_us(void);

void tally_latency(struct tally *tally, uint64_t us);

/* Keep what went wrong; the first TALLY_COMPLAINTS_MAX are told. */
void tally_complain(struct tally *tally, const struct complaint *complaint);

/* One line of JSON on standard output; the last one has the complaints, too. */
void tally_print(const struct tally *tally, bool is_last);

#endif
