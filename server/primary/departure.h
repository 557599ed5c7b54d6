/* The end. It may come in two steps: first probes are told that we are not
   ready, so that load balancers look elsewhere, then the primary quits. */
#ifndef COH_PRIMARY_DEPARTURE_H
#define COH_PRIMARY_DEPARTURE_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>

#define COH_DEPARTURE_MAX_MS 3600000

struct coh_primary;

struct coh_departure {
    bool is_announced; /* whoever asks is told that we are not ready */
    bool is_graceful;  /* TERM drains, by the generation that served last */
    struct event timer;
    struct event stop_deadline; /* of those that were told to stop */
    uint64_t stop_began_ms;     /* monotonic; 0: it does not stop */
};

void coh_departure_init(struct coh_primary *primary);
void coh_departure_fini(struct coh_primary *primary);

/* How long the admin helper may take for its last answers: one that stops is gone
   within a second. */
uint64_t coh_departure_rest_ms(const struct coh_primary *primary);

/* It is over, or overtaken: the primary ends. */
void coh_departure_end(struct coh_primary *primary);

#endif
