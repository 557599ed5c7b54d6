/* A timer for each worker that is to leave. */
#include "server/primary/overdue.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "core/event.h"
#include "server/primary/generation.h"

/* For one that runs, to close what it has and write out its logs. */
#define GRACE_MS 1000

static uint64_t
limit_of(const struct coh_worker *worker)
{
    return worker->generation->settings.shutdown_timeout_ms;
}

uint64_t
coh_overdue_limit(const struct coh_worker *worker)
{
    uint64_t limit_ms = limit_of(worker);
    uint64_t waited_ms = worker->generation->settled_ms;

    if (limit_ms == 0) {
        return 0;
    }
    return limit_ms > waited_ms ? limit_ms - waited_ms : 1;
}

static void
on_overdue(evutil_socket_t fd, short what, void *user)
{
    struct coh_worker *worker = user;
    char why[128];

    (void)fd;
    (void)what;
    worker->reason = COHORT_REASON_STUCK;
    if (worker->child.pid > 0) {
        snprintf(
            why, sizeof(why),
            "it has not left %d ms after worker_shutdown_timeout (%" PRIu64
            " ms), killing it",
            GRACE_MS, limit_of(worker));
        coh_worker_tell(
            worker, (struct coh_event){.kind = COH_EVENT_STUCK, .text = why});
    }
    coh_worker_signal(worker, SIGKILL); /* may free it */
}

void
coh_overdue_init(struct coh_worker *worker)
{
    event_assign(
        &worker->overdue.timer, worker->primary->loop.base, -1, 0, on_overdue,
        worker);
}

void
coh_overdue_fini(struct coh_worker *worker)
{
    event_del(&worker->overdue.timer);
}

void
coh_overdue_begin(struct coh_worker *worker)
{
    uint64_t limit_ms = coh_overdue_limit(worker);

    if (limit_ms > 0 && !worker->overdue.is_counting) {
        worker->overdue.is_counting = true;
        coh_event_add_ms(&worker->overdue.timer, limit_ms + GRACE_MS);
    }
}
