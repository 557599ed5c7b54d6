/* A pause becomes an event when it has lasted; its end then is one, too. */
#include "server/primary/pausing.h"

#include <stddef.h>

#include "server/primary/generation.h"

static void
tell(struct coh_generation *generation, enum coh_event_kind kind)
{
    struct coh_event event = {.kind = kind, .generation = generation->number};

    generation->pausing.is_told = kind == COH_EVENT_ACCEPT_PAUSED;
    coh_event_tell(&generation->primary->readers, &event);
}

static void
look_later(struct coh_pausing *pausing)
{
    const struct timeval delay = {.tv_usec = COH_PAUSING_TOLD_MS * 1000};

    if (!event_pending(&pausing->look, EV_TIMEOUT, NULL)) {
        event_add(&pausing->look, &delay);
    }
}

static void
on_look(evutil_socket_t fd, short what, void *user)
{
    struct coh_generation *generation = user;
    struct coh_pausing *pausing = &generation->pausing;

    (void)fd;
    (void)what;
    if (!pausing->is_paused || pausing->is_told) {
        return;
    }
    if (coh_monotonic_ms() - pausing->since_ms >= COH_PAUSING_TOLD_MS) {
        tell(generation, COH_EVENT_ACCEPT_PAUSED);
    } else {
        look_later(pausing);
    }
}

static void
on_paused(struct coh_rotation *rotation, bool is_paused)
{
    struct coh_generation *generation =
        (struct coh_generation
             *)((char *)rotation - offsetof(struct coh_generation, rotation));
    struct coh_pausing *pausing = &generation->pausing;

    if (is_paused && !pausing->is_paused) {
        pausing->is_paused = true;
        pausing->since_ms = coh_monotonic_ms();
        look_later(pausing);
    } else if (!is_paused && TAILQ_EMPTY(&rotation->acceptors)) {
        pausing->is_paused = false;
        if (pausing->is_told) {
            tell(generation, COH_EVENT_ACCEPT_RESUMED);
        }
    }
}

void
coh_pausing_init(struct coh_generation *generation)
{
    event_assign(
        &generation->pausing.look, generation->primary->loop.base, -1, 0,
        on_look, generation);
    generation->rotation.on_paused = on_paused;
}

void
coh_pausing_fini(struct coh_generation *generation)
{
    generation->rotation.on_paused = NULL;
    event_del(&generation->pausing.look);
}
