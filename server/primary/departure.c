/* A departure that is announced: requests are served all the while. */
#include "server/primary/departure.h"

#include <inttypes.h>
#include <stdio.h>

#include "server/primary/primary.h"

static void
on_time(evutil_socket_t fd, short what, void *user)
{
    (void)fd;
    (void)what;
    coh_primary_quit(user);
}

void
coh_departure_init(struct coh_primary *primary)
{
    event_assign(
        &primary->departure.timer, primary->loop.base, -1, 0, on_time, primary);
}

void
coh_departure_fini(struct coh_primary *primary)
{
    event_del(&primary->departure.timer);
}

void
coh_departure_end(struct coh_primary *primary)
{
    primary->departure.is_announced = true;
    event_del(&primary->departure.timer);
}

void
coh_primary_quit_after(struct coh_primary *primary, uint64_t not_ready_ms)
{
    const struct timeval delay = {
        .tv_sec = (time_t)(not_ready_ms / 1000),
        .tv_usec = (suseconds_t)(not_ready_ms % 1000 * 1000)};
    struct coh_event event = {.kind = COH_EVENT_LEAVING};
    char text[96];

    if (primary->state != COH_PRIMARY_SERVING || not_ready_ms == 0) {
        coh_primary_quit(primary);
        return;
    }
    snprintf(
        text, sizeof(text),
        "quitting in %" PRIu64 " ms: until then not ready, but serving",
        not_ready_ms);
    primary->departure.is_announced = true;
    event.text = text;
    coh_event_tell(&primary->readers, &event);
    event_add(&primary->departure.timer, &delay);
}
