/* Events of the primary become what a program is told. */
#include "server/embed_event.h"

#include <cohort/cluster.h>

static void
on_event(void *user, const struct coh_event *event)
{
    const struct coh_embed_events *events = user;
    const struct cohort_exit how = {
        .code = event->how.is_signal ? -1 : event->how.number,
        .signal = event->how.is_signal ? event->how.number : 0,
        .reason = event->reason,
    };
    const struct cohort_event told = {
        .name = coh_event_name(event->kind),
        .generation = event->generation,
        .worker_id = (unsigned)event->worker_id,
        .pid = event->pid,
        .group = event->group,
        .how = event->kind == COH_EVENT_EXIT ? &how : NULL,
        .count = event->count,
        .delay_ms = event->delay_ms,
        .text = event->text,
        .message = event->message,
    };

    if (events->on_event) {
        events->on_event(&told, events->user);
    }
}

void
coh_embed_events_init(struct coh_embed_events *events)
{
    *events = (struct coh_embed_events){
        .reader = {.on_event = on_event, .user = events}};
}
