/* What a template owes the primary, and for how long it may: an answer, that it
   has loaded again, or its end. One that owes too long is killed; what follows
   is what follows any death of a template.

     it runs        reload_timeout, or worker_watchdog if that is longer: a busy
                    machine is no reason
     it is stopped  worker_watchdog, unless it is off or longer; when it has to
                    leave, the next look
     it is traced   for ever: somebody is looking at it

   The first load of a generation is bounded by reload.c. */
#ifndef COH_PRIMARY_TEMPLATE_WATCH_H
#define COH_PRIMARY_TEMPLATE_WATCH_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>

struct coh_template;

struct coh_template_watch {
    struct event look;
    uint64_t since_ms; /* since when it owes something; monotonic */
    uint64_t last_ms;  /* of the last look, or of the beginning */
    bool is_stopped;   /* it was at the last look */
    bool is_traced_told;
};

void coh_template_watch_init(struct coh_template *template);

/* It owes something from now on. */
void coh_template_watch_begin(struct coh_template *template);

/* It does not any more. Fine twice. */
void coh_template_watch_end(struct coh_template *template);

#endif
