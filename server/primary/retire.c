/* Retiring: empty what leaves, hand over what waits, drain the workers. */
#include "server/primary/retire.h"

#include <signal.h>

#include "core/clock.h"
#include "core/event.h"
#include "server/primary/dismiss.h"
#include "server/primary/generation.h"
#include "server/primary/groups/groups.h"
#include "server/primary/leaving.h"
#include "server/primary/reload.h"
#include "server/primary/scale.h"

/* How often to look whether all that was accepted has found its worker. */
#define SETTLE_MS 10

/* What a generation's own workers have not taken in that time is given to those
   of the current one, where these have the address, too. */
#define OWN_MS 300

struct coh_acceptor *
coh_retire_successor(
    struct coh_generation *generation, const struct coh_listener *listener)
{
    for (size_t i = 0; i < generation->acceptor_count; i++) {
        if (generation->acceptors[i].listener == listener) {
            return &generation->acceptors[i];
        }
    }
    return NULL;
}

/* --- draining ------------------------------------------------------------- */

/* What its workers have not taken is for those of the current generation. */
static void
hand_over_rest(struct coh_generation *generation)
{
    struct coh_generation *current = generation->primary->current;
    struct coh_acceptor *acceptors[COH_LOAD_LISTENERS_MAX];

    if (!current || current == generation) {
        return;
    }
    for (size_t i = 0; i < current->acceptor_count; i++) {
        acceptors[i] = &current->acceptors[i];
    }
    coh_rotation_move(
        &generation->rotation, acceptors, current->acceptor_count);
}

static void
dismiss_workers(struct coh_generation *generation, enum cohort_reason reason)
{
    struct coh_worker *worker;
    struct coh_worker *after;

    for (worker = TAILQ_FIRST(&generation->primary->workers); worker;
         worker = after) {
        after = TAILQ_NEXT(worker, link);
        if (worker->generation == generation) {
            coh_dismiss(worker, reason);
        }
    }
}

static void
drain(struct coh_generation *generation)
{
    struct coh_primary *primary = generation->primary;

    generation->state = COH_GENERATION_ENDING;
    generation->worker_count++; /* so that nobody frees it under our feet */
    dismiss_workers(
        generation,
        primary->current ? COHORT_REASON_RELOAD : COHORT_REASON_DISCONNECT);
    hand_over_rest(generation);
    coh_leaving_end(generation);
    coh_generation_end_templates(generation);
    generation->worker_count--;
    coh_generation_reap(generation);
    coh_reload_begin_wanted(primary);
}

static void
on_settle(evutil_socket_t fd, short what, void *user)
{
    (void)fd;
    (void)what;
    coh_retire_go_on(user);
}

void
coh_retire_init(struct coh_generation *generation)
{
    event_assign(
        &generation->settle, generation->primary->loop.base, -1, 0, on_settle,
        generation);
}

void
coh_retire_fini(struct coh_generation *generation)
{
    event_del(&generation->settle);
}

/* Somebody has connections that its workers will take as soon as they can: one
   that is stuck has none, and worker_shutdown_timeout is for these, too. */
static bool
must_wait(const struct coh_generation *generation, uint64_t waited_ms)
{
    uint64_t limit_ms = generation->settings.shutdown_timeout_ms;

    return coh_rotation_waiting(&generation->rotation) > 0 &&
        !TAILQ_EMPTY(&generation->rotation.peers) &&
        (limit_ms == 0 || waited_ms < limit_ms);
}

static void
stop_acceptors(struct coh_generation *generation)
{
    for (size_t i = 0; i < generation->acceptor_count; i++) {
        coh_acceptor_stop(&generation->acceptors[i]);
    }
}

void
coh_retire_go_on(struct coh_generation *generation)
{
    uint64_t now_ms = coh_monotonic_ms();
    uint64_t waited_ms;

    if (generation->settle_began_ms == 0) {
        generation->settle_began_ms = now_ms;
        stop_acceptors(generation);
    }
    waited_ms = now_ms - generation->settle_began_ms;
    if (waited_ms >= OWN_MS) {
        hand_over_rest(generation);
    }
    if (must_wait(generation, waited_ms)) {
        coh_event_add_ms(&generation->settle, SETTLE_MS);
        return;
    }
    generation->settled_ms = waited_ms;
    if (generation->state == COH_GENERATION_SERVING) {
        dismiss_workers(generation, COHORT_REASON_DISCONNECT);
    } else {
        drain(generation);
    }
}

static void
start_settling(struct coh_generation *generation)
{
    event_del(&generation->settle);
    generation->settle_began_ms = 0;
    generation->settled_ms = 0;
}

/* --- beginning ------------------------------------------------------------ */

/* An address that the successor has, too: it accepts there already, but sockets
   of places that it has not must go. */
static void
keep_listener(
    struct coh_generation *generation, size_t index,
    const struct coh_generation *successor,
    const struct coh_acceptor *successor_acceptor)
{
    struct coh_acceptor *acceptor = &generation->acceptors[index];
    unsigned wanted =
        successor_acceptor->policy->is_per_place ? successor->target : 1;

    coh_acceptor_stop(acceptor);
    if (acceptor->listener->socket_count > wanted) {
        coh_leaving_start(generation, index, wanted);
    }
}

/* A worker group has the address now. It accepts from all sockets, or gives its
   programs the first one; if these wait until nobody else accepts there, that
   goes on as long as others of the generation's sockets are emptied. */
static void
leave_listener(
    struct coh_generation *generation, size_t index,
    const struct coh_group *group)
{
    const struct coh_acceptor *acceptor = &generation->acceptors[index];

    if (!group->is_postponed) {
        coh_acceptor_stop(&generation->acceptors[index]);
    }
    if (coh_group_gives(group, acceptor->listener) &&
        acceptor->listener->socket_count > 1) {
        coh_leaving_start(generation, index, 1);
    }
}

void
coh_retire(
    struct coh_generation *generation, const struct coh_generation *successor)
{
    generation->state = COH_GENERATION_RETIRING;
    start_settling(generation);
    coh_leaving_cancel(generation);
    for (size_t i = 0; i < generation->acceptor_count; i++) {
        const struct coh_listener *listener = generation->acceptors[i].listener;
        const struct coh_acceptor *kept = NULL;
        const struct coh_group *group;

        if (!listener) {
            continue; /* covered by a wildcard */
        }
        for (size_t k = 0; successor && k < successor->acceptor_count; k++) {
            if (successor->acceptors[k].listener == listener) {
                kept = &successor->acceptors[k];
            }
        }
        group = coh_groups_of_listener(generation->primary, listener);
        if (kept) {
            keep_listener(generation, i, successor, kept);
        } else if (group) {
            leave_listener(generation, i, group);
        } else {
            if (listener->lent_count > 0) {
                coh_acceptor_stop(&generation->acceptors[i]);
            }
            coh_leaving_start(generation, i, 0);
        }
    }
    if (generation->leaving_count == 0) {
        coh_retire_go_on(generation);
    }
}

/* --- keeping all but the workers ------------------------------------------ */

void
coh_retire_workers(struct coh_generation *generation)
{
    start_settling(generation);
    coh_retire_go_on(generation);
}

void
coh_retire_workers_undo(struct coh_generation *generation)
{
    start_settling(generation);
    for (unsigned i = 0; i < generation->place_count; i++) {
        struct coh_place *place = &generation->places[i];

        if (place->worker && place->worker->state == COH_WORKER_DRAINING) {
            place->worker = NULL;
        }
    }
    for (size_t i = 0; i < generation->acceptor_count; i++) {
        if (generation->acceptors[i].listener) {
            coh_acceptor_start(&generation->acceptors[i]);
        }
    }
    coh_scale_settle(generation);
}

/* --- at once -------------------------------------------------------------- */

void
coh_retire_at_once(struct coh_generation *generation, int number)
{
    struct coh_primary *primary = generation->primary;
    struct coh_worker *worker;
    struct coh_worker *after;

    generation->state = COH_GENERATION_ENDING;
    generation->worker_count++; /* so that nobody frees it under our feet */
    coh_retire_fini(generation);
    coh_leaving_end(generation);
    for (worker = TAILQ_FIRST(&primary->workers); worker; worker = after) {
        after = TAILQ_NEXT(worker, link);
        if (worker->generation == generation) {
            if (worker->reason == COHORT_REASON_SELF) {
                worker->reason = COHORT_REASON_KILL;
            }
            coh_worker_signal(worker, number);
        }
    }
    coh_generation_end_templates(generation);
    generation->worker_count--;
    coh_generation_reap(generation);
}
