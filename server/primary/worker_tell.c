/* What happens to workers, as events. */
#include <stdio.h>

#include "server/primary/generation.h"
#include "server/primary/primary.h"
#include "server/primary/worker.h"

void
coh_worker_tell(const struct coh_worker *worker, struct coh_event event)
{
    event.generation = worker->generation->number;
    event.worker_id = worker->id;
    event.group = COH_GROUP_MAIN;
    event.pid = worker->child.pid;
    coh_event_tell(&worker->primary->readers, &event);
}

/* Once, and not about one that was never there. */
void
coh_worker_tell_disconnect(struct coh_worker *worker)
{
    if (!worker->is_disconnected && worker->child.pid > 0) {
        worker->is_disconnected = true;
        coh_worker_tell(
            worker, (struct coh_event){.kind = COH_EVENT_DISCONNECT});
    }
}

/* One event for each address, as each has its policy. */
void
coh_worker_tell_listening(const struct coh_worker *worker)
{
    const struct coh_generation *generation = worker->generation;
    char address[COH_ADDR_TEXT_MAX];

    for (size_t i = 0; i < generation->request_count; i++) {
        coh_worker_tell(
            worker,
            (struct coh_event){
                .kind = COH_EVENT_LISTENING,
                .text =
                    coh_addr_format(&generation->requests[i].address, address),
            });
    }
}

void
coh_worker_tell_failure(
    const struct coh_generation *generation, const char *why)
{
    char text[160];
    struct coh_event event = {
        .kind = COH_EVENT_ERROR,
        .generation = generation->number,
        .group = COH_GROUP_MAIN,
        .text = text,
    };

    snprintf(text, sizeof(text), "cannot start a worker: %s", why);
    coh_event_tell(&generation->primary->readers, &event);
}
