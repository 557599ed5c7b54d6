/* Dropped connections become events. */
#include "server/primary/dropping.h"

#include <stddef.h>

#include "server/primary/generation.h"

static void
tell(struct coh_generation *generation)
{
    struct coh_event event = {
        .kind = COH_EVENT_DROP,
        .generation = generation->number,
        .group = COH_GROUP_MAIN,
        .count = generation->dropping.count,
    };

    if (event.count > 0) {
        generation->dropping.count = 0;
        coh_event_tell(&generation->primary->readers, &event);
    }
}

static void
on_look(evutil_socket_t fd, short what, void *user)
{
    (void)fd;
    (void)what;
    tell(user);
}

static void
on_dropped(struct coh_rotation *rotation, unsigned count, bool is_told)
{
    static const struct timeval delay = {.tv_sec = 1};
    struct coh_generation *generation =
        (struct coh_generation
             *)((char *)rotation - offsetof(struct coh_generation, rotation));

    (void)is_told; /* the event tells of all of them */
    if (generation->dropping.count == 0) {
        event_add(&generation->dropping.look, &delay);
    }
    generation->dropping.count += count;
}

void
coh_dropping_init(struct coh_generation *generation)
{
    event_assign(
        &generation->dropping.look, generation->primary->loop.base, -1, 0,
        on_look, generation);
    generation->rotation.on_dropped = on_dropped;
}

void
coh_dropping_fini(struct coh_generation *generation)
{
    event_del(&generation->dropping.look);
    tell(generation);
}
