/* How long requests take, as a histogram. */
#ifndef COH_HTTP_DURATION_H
#define COH_HTTP_DURATION_H

#include <stdint.h>

/* Upper bounds: in milliseconds, and in seconds as Prometheus writes them. */
#define COH_DURATION_BOUNDS(BOUND)                                             \
    BOUND(1, "0.001")                                                          \
    BOUND(5, "0.005")                                                          \
    BOUND(10, "0.01")                                                          \
    BOUND(25, "0.025")                                                         \
    BOUND(50, "0.05")                                                          \
    BOUND(100, "0.1")                                                          \
    BOUND(250, "0.25")                                                         \
    BOUND(500, "0.5")                                                          \
    BOUND(1000, "1")                                                           \
    BOUND(2500, "2.5")                                                         \
    BOUND(5000, "5")                                                           \
    BOUND(10000, "10")                                                         \
    BOUND(UINT64_MAX, "+Inf")

#define COH_DURATION_ONE(milliseconds, text) +1
#define COH_DURATION_BUCKETS (COH_DURATION_BOUNDS(COH_DURATION_ONE))

/* Count a request that took so long, by the loop's clock: 0 for what began and
   ended in one turn of it. places: the buckets, then the sum. */
void coh_duration_count(uint64_t *places, uint64_t milliseconds);

#endif
