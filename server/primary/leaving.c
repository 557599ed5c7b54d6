/* Listeners on their way out of a generation. */
#include "server/primary/leaving.h"

#include "server/accept/emptying.h"
#include "server/primary/generation.h"
#include "server/primary/reload.h"
#include "server/primary/retire.h"
#include "server/primary/scale.h"

/* Whoever serves now gets what nobody had accepted. */
static void
on_accepted(void *user, int fd)
{
    const struct coh_leaving *leaving = user;
    struct coh_generation *generation = leaving->generation;
    struct coh_acceptor *own =
        &generation->acceptors[leaving - generation->leaving];
    struct coh_generation *current = generation->primary->current;
    struct coh_acceptor *successor =
        current ? coh_retire_successor(current, own->listener) : NULL;

    coh_acceptor_hand_over(successor ? successor : own, fd);
}

static void
on_done(void *user)
{
    struct coh_leaving *leaving = user;
    struct coh_generation *generation = leaving->generation;
    struct coh_primary *primary = generation->primary;
    struct coh_acceptor *acceptor =
        &generation->acceptors[leaving - generation->leaving];

    if (!leaving->is_under_way) {
        return;
    }
    leaving->is_under_way = false;
    /* Its socket is closed, and the next descriptor may have that number: the
       loop would believe that it watches it already. */
    if (coh_listener_is_closed(acceptor->listener)) {
        coh_acceptor_stop(acceptor);
    }
    generation->leaving_count--;
    if (generation->leaving_count > 0) {
        return;
    }
    if (generation->state == COH_GENERATION_RETIRING) {
        coh_retire_go_on(generation); /* it may be gone then */
        coh_reload_reconsider(primary);
    } else if (generation->state == COH_GENERATION_SERVING) {
        coh_scale_drain_surplus(generation);
        coh_reload_reconsider(primary);
    }
}

void
coh_leaving_start(
    struct coh_generation *generation, size_t index, unsigned first)
{
    struct coh_leaving *leaving = &generation->leaving[index];
    struct coh_listener *listener = generation->acceptors[index].listener;

    /* What waits on an inherited socket is for whoever has it next. */
    if (listener->is_inherited) {
        coh_acceptor_stop(&generation->acceptors[index]);
        return;
    }
    leaving->generation = generation;
    if (coh_emptying_start(
            listener, first, &generation->primary->loop, on_accepted, on_done,
            leaving) == 0) {
        leaving->is_under_way = true;
        generation->leaving_count++;
    }
}

void
coh_leaving_cancel(struct coh_generation *generation)
{
    for (size_t i = 0; i < generation->acceptor_count; i++) {
        if (generation->leaving[i].is_under_way) {
            generation->leaving[i].is_under_way = false;
            generation->leaving_count--;
            coh_emptying_cancel(generation->acceptors[i].listener);
            coh_reload_reconsider(generation->primary);
        }
    }
}

void
coh_leaving_end(struct coh_generation *generation)
{
    coh_leaving_cancel(generation);
    for (size_t i = 0; i < generation->acceptor_count; i++) {
        coh_acceptor_fini(&generation->acceptors[i]);
    }
}
