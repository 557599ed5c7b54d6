/* Events of the primary, for a program that runs it. */
#ifndef COH_SERVER_EMBED_EVENT_H
#define COH_SERVER_EMBED_EVENT_H

#include <cohort/cohort.h>

#include "server/primary/events.h"

struct coh_embed_events {
    struct coh_event_reader reader;
    void (*on_event)(
        const struct cohort_event *event, void *user); /* or NULL */
    void *user;
};

/* Its reader can join a list from now on. */
void coh_embed_events_init(struct coh_embed_events *events);

#endif
