/* A pause becomes news when it has lasted; its end then is news, too. */
#include "server/accept/pausing.h"

#include "core/event.h"
#include "server/accept/rotation.h"

/* Between two alerts. */
#define ALERT_MS 60000

static void
tell(struct coh_rotation *rotation, bool is_paused)
{
    rotation->pausing.is_told = is_paused;
    if (rotation->on_paused != NULL) {
        rotation->on_paused(rotation, is_paused);
    }
}

static void
look_later(struct coh_pausing *pausing)
{
    if (!event_pending(&pausing->look, EV_TIMEOUT, NULL)) {
        coh_event_add_ms(&pausing->look, COH_PAUSING_TOLD_MS);
    }
}

static void
on_look(evutil_socket_t fd, short what, void *user)
{
    struct coh_rotation *rotation = user;
    struct coh_pausing *pausing = &rotation->pausing;

    (void)fd;
    (void)what;
    if (!pausing->is_paused || pausing->is_told) {
        return;
    }
    if (coh_monotonic_ms() - pausing->since_ms >= COH_PAUSING_TOLD_MS) {
        tell(rotation, true);
    } else {
        look_later(pausing);
    }
}

void
coh_pausing_init(struct coh_rotation *rotation)
{
    event_assign(
        &rotation->pausing.look, rotation->loop->base, -1, 0, on_look,
        rotation);
}

void
coh_pausing_fini(struct coh_rotation *rotation)
{
    event_del(&rotation->pausing.look);
}

void
coh_pausing_change(struct coh_rotation *rotation, bool is_paused)
{
    struct coh_pausing *pausing = &rotation->pausing;

    if (is_paused && !pausing->is_paused) {
        pausing->is_paused = true;
        pausing->since_ms = coh_monotonic_ms();
        look_later(pausing);
    } else if (!is_paused && TAILQ_EMPTY(&rotation->acceptors)) {
        pausing->is_paused = false;
        if (pausing->is_told) {
            tell(rotation, false);
        }
    }
}

enum cohort_log_level
coh_pausing_level(uint64_t *told_ms)
{
    uint64_t now_ms = coh_monotonic_ms();

    if (*told_ms != 0 && now_ms - *told_ms < ALERT_MS) {
        return COHORT_LOG_DEBUG;
    }
    *told_ms = now_ms;
    return COHORT_LOG_ALERT;
}
