/* Requests that were left for later and are to be gone on with. */
#include "http/request.h"
#include "http/service.h"

void
cohort_resume(struct cohort_request *request, int verdict)
{
    struct coh_http *http = request->connection->http;

    request->verdict = verdict;
    if (request->is_resumed) {
        return;
    }
    request->is_resumed = true;
    TAILQ_INSERT_TAIL(&http->resumed, request, resume_link);
    if (http->resumed_count++ == 0 && !http->is_resuming) {
        event_active(&http->resume, EV_READ, 1);
    }
}

void
coh_request_unqueue(struct cohort_request *request)
{
    struct coh_http *http = request->connection->http;

    TAILQ_REMOVE(&http->resumed, request, resume_link);
    http->resumed_count--;
    request->is_resumed = false;
}

/* Those that are queued now. */
static void
resume_queued(struct coh_http *http)
{
    for (size_t count = http->resumed_count; count > 0; count--) {
        struct cohort_request *request = TAILQ_FIRST(&http->resumed);

        if (request == NULL) { /* one of them has closed others */
            return;
        }
        coh_request_unqueue(request);
        request->has_verdict = true;
        coh_connection_run(request->connection, false);
    }
}

/* What they queue has its turn after the next wait, so that others are served
   in between, and clients that go are seen: a timer's callback comes behind a
   wait, what event_active() asks for before it. */
void
coh_http_on_resume(evutil_socket_t fd, short what, void *user)
{
    struct coh_http *http = user;

    (void)fd;
    (void)what;
    http->is_resuming = true;
    resume_queued(http);
    http->is_resuming = false;
    if (http->resumed_count > 0 && coh_event_add_ms(&http->resume, 0) < 0) {
        event_active(&http->resume, EV_READ, 1); /* it takes no memory */
    }
}
