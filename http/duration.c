/* One bucket and the sum per request. */
#include "http/duration.h"

#include <stddef.h>

#define LIMIT(milliseconds, text) milliseconds,

static const uint64_t limits[] = {COH_DURATION_BOUNDS(LIMIT)};

void
coh_duration_count(uint64_t *places, uint64_t milliseconds)
{
    size_t bucket = 0;

    while (milliseconds > limits[bucket]) {
        bucket++;
    }
    places[bucket]++;
    places[COH_DURATION_BUCKETS] += milliseconds * 1000;
}
