/* The event stream: what has happened, as lines of JSON, for as long as
   somebody listens. */
#ifndef COH_ADMIN_EVENTS_H
#define COH_ADMIN_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#define COH_ADMIN_EVENTS_KEPT 1024

struct coh_event_listener;

/* An event as it is sent. */
struct coh_event_line {
    uint64_t number;
    size_t size;
    char text[];
};

struct coh_admin_events {
    uint64_t last; /* the number of the last one; 0: there was none */
    struct coh_event_line *ring[COH_ADMIN_EVENTS_KEPT];
    LIST_HEAD(, coh_event_listener) listeners;
    bool is_over; /* the helper leaves */
};

/* Streams end when they have sent what there is. */
void coh_admin_events_end(struct coh_admin_events *events);

void coh_admin_events_fini(struct coh_admin_events *events);

#endif
