/* Disconnected, killed, replaced: places are left, or handed on. */
#include "server/primary/dismiss.h"

#include <errno.h>
#include <signal.h>

#include "core/clock.h"
#include "core/event.h"
#include "server/primary/generation.h"
#include "server/primary/scale.h"

void
coh_dismiss(struct coh_worker *worker, enum cohort_reason reason)
{
    if (worker->reason == COHORT_REASON_SELF) {
        worker->reason = reason;
    }
    coh_worker_drain(worker);
}

static struct coh_place *
place_of(struct coh_worker *worker)
{
    struct coh_place *place = &worker->generation->places[worker->place];

    return place->worker == worker ? place : NULL;
}

/* Policies that give each place a socket need somebody in every place. */
static bool
may_be_vacant(const struct coh_generation *generation)
{
    for (size_t i = 0; i < generation->acceptor_count; i++) {
        if (generation->acceptors[i].listener &&
            generation->acceptors[i].policy->is_per_place) {
            return false;
        }
    }
    return true;
}

static void
vacate(struct coh_worker *worker)
{
    struct coh_place *place = place_of(worker);

    if (place) {
        place->worker = NULL;
        place->is_vacant = true;
    }
}

/* --- disconnect and kill -------------------------------------------------- */

int
coh_dismiss_disconnect(struct coh_worker *worker)
{
    if (worker->state == COH_WORKER_DRAINING) {
        return -EALREADY;
    }
    if (worker->generation->state == COH_GENERATION_SERVING) {
        if (!may_be_vacant(worker->generation)) {
            return -EBUSY;
        }
        vacate(worker);
    }
    coh_dismiss(worker, COHORT_REASON_DISCONNECT);
    return 0;
}

/* Those that workers neither ignore nor survive. */
static bool
is_fatal(int number)
{
    static const int fatal[] = {SIGTERM, SIGQUIT, SIGKILL, SIGABRT,
                                SIGSEGV, SIGBUS,  SIGILL,  SIGFPE,
                                SIGTRAP, SIGSYS,  SIGALRM, SIGXCPU};

    for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++) {
        if (fatal[i] == number) {
            return true;
        }
    }
    return false;
}

/* It would take nothing more of its socket, and nobody else accepts there
   before it has gone. */
static bool
would_shut_a_socket(const struct coh_worker *worker, int number)
{
    return number == SIGQUIT && worker->state != COH_WORKER_DRAINING &&
        worker->generation->state == COH_GENERATION_SERVING &&
        !may_be_vacant(worker->generation);
}

int
coh_dismiss_kill(struct coh_worker *worker, int number)
{
    if (!is_fatal(number)) {
        coh_child_signal(&worker->child, number);
        return 0;
    }
    if (would_shut_a_socket(worker, number)) {
        return -EBUSY;
    }
    if (worker->reason == COHORT_REASON_SELF) {
        worker->reason = COHORT_REASON_KILL;
    }
    if (worker->generation->state == COH_GENERATION_SERVING &&
        may_be_vacant(worker->generation)) {
        vacate(worker);
    }
    coh_rotation_remove(&worker->peer);
    coh_worker_signal(worker, number);
    return 0;
}

/* --- replace -------------------------------------------------------------- */

int
coh_dismiss_replace(struct coh_worker *worker, struct coh_worker **successor)
{
    struct coh_place *place = place_of(worker);

    if (worker->generation->state < COH_GENERATION_SERVING ||
        worker->state < COH_WORKER_SERVING) {
        return -EINPROGRESS;
    }
    if (worker->generation->state != COH_GENERATION_SERVING || !place ||
        worker->state != COH_WORKER_SERVING) {
        return -EALREADY;
    }
    if (!worker->generation->template && !worker->generation->is_repairing) {
        return -ECHILD;
    }
    if (event_pending(&place->retry, EV_TIMEOUT, NULL)) {
        return -EAGAIN;
    }
    *successor = coh_worker_new(worker->generation, worker->place);
    if (!*successor) {
        return -ENOBUFS;
    }
    place->worker = *successor;
    (*successor)->predecessor = worker->id;
    return 0;
}

static struct coh_worker *
take_predecessor(struct coh_worker *worker)
{
    uint64_t id = worker->predecessor;

    worker->predecessor = 0;
    return id ? coh_worker_find(worker->primary, id) : NULL;
}

void
coh_dismiss_predecessor(struct coh_worker *worker)
{
    struct coh_worker *predecessor = take_predecessor(worker);

    if (predecessor) {
        coh_dismiss(predecessor, COHORT_REASON_RECYCLED);
    }
}

/* It was taken out of rotation, is well again, and another one stood in its
   place then. */
static void
rejoin(struct coh_worker *worker)
{
    worker->reason = COHORT_REASON_SELF;
    coh_turns_expect(worker->primary->slots.turns, worker->slot);
    coh_rotation_add(&worker->generation->rotation, &worker->peer);
}

void
coh_dismiss_undo(struct coh_worker *worker)
{
    struct coh_worker *predecessor = take_predecessor(worker);
    struct coh_place *place = &worker->generation->places[worker->place];

    if (!predecessor || place->worker ||
        predecessor->state != COH_WORKER_SERVING) {
        return;
    }
    place->worker = predecessor;
    place->is_vacant = false; /* whoever was sent off, it was not this one */
    /* Like any other that dies: it is not tried again without a pause. */
    coh_scale_back_off(place, worker->id, coh_monotonic_ms() - worker->born_ms);
    if (!coh_watched_is_stuck(&predecessor->watched)) {
        rejoin(predecessor);
    }
}
