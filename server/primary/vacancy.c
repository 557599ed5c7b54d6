/* A worker that is not followed at once (it died too often, there is no
   template) leaves its socket to nobody, and closing that would reset who waits
   there. Looking now and then needs no descriptor to be watched, which might be
   closed meanwhile. */
#include "server/primary/vacancy.h"

#include "core/event.h"
#include "server/primary/generation.h"

/* How often; and how many at most from one socket. */
#define LOOK_MS 20
#define ACCEPT_MAX 64

static bool
is_vacant(const struct coh_generation *generation, unsigned place)
{
    return !generation->places[place].worker;
}

static bool
has_sockets(const struct coh_acceptor *acceptor)
{
    return acceptor->listener && acceptor->policy->is_per_place;
}

static bool
is_needed(const struct coh_generation *generation)
{
    bool has_any = false;

    if (generation->state != COH_GENERATION_SERVING ||
        generation->primary->is_paused) {
        return false;
    }
    for (size_t i = 0; i < generation->acceptor_count && !has_any; i++) {
        has_any = has_sockets(&generation->acceptors[i]);
    }
    for (unsigned i = 0; has_any && i < generation->target; i++) {
        if (is_vacant(generation, i)) {
            return true;
        }
    }
    return false;
}

static void
accept_for_others(struct coh_acceptor *acceptor, unsigned place)
{
    for (unsigned i = 0;
         i < ACCEPT_MAX && coh_rotation_room(acceptor->rotation) > 0; i++) {
        int fd = coh_listener_accept(acceptor->listener, place);

        if (fd < 0) {
            return;
        }
        coh_acceptor_hand_over(acceptor, fd);
    }
}

static void
on_look(evutil_socket_t fd, short what, void *user)
{
    struct coh_generation *generation = user;

    (void)fd;
    (void)what;
    if (!is_needed(generation)) {
        return;
    }
    coh_rotation_settle(&generation->rotation);
    for (size_t i = 0; i < generation->acceptor_count; i++) {
        struct coh_acceptor *acceptor = &generation->acceptors[i];

        for (unsigned place = 0;
             has_sockets(acceptor) && place < generation->target &&
             place < acceptor->listener->socket_count;
             place++) {
            if (is_vacant(generation, place)) {
                accept_for_others(acceptor, place);
            }
        }
    }
    coh_event_add_ms(&generation->vacancy, LOOK_MS);
}

void
coh_vacancy_init(struct coh_generation *generation)
{
    event_assign(
        &generation->vacancy, generation->primary->loop.base, -1, 0, on_look,
        generation);
}

void
coh_vacancy_fini(struct coh_generation *generation)
{
    event_del(&generation->vacancy);
}

void
coh_vacancy_look(struct coh_generation *generation)
{
    if (!event_pending(&generation->vacancy, EV_TIMEOUT, NULL) &&
        is_needed(generation)) {
        coh_event_add_ms(&generation->vacancy, LOOK_MS);
    }
}
