/* Places and who stands in them. */
#include "server/primary/scale.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/event.h"
#include "server/primary/dismiss.h"
#include "server/primary/generation.h"
#include "server/primary/grow.h"
#include "server/primary/last_words.h"
#include "server/primary/leaving.h"
#include "server/primary/reload.h"
#include "server/primary/vacancy.h"

/* When a worker cannot even be started. */
#define RETRY_MS 1000

/* --- starting ------------------------------------------------------------- */

/* False: it cannot be had now. */
static bool
start_worker(struct coh_generation *generation, unsigned index)
{
    struct coh_place *place = &generation->places[index];

    if (place->worker || place->is_vacant ||
        event_pending(&place->retry, EV_TIMEOUT, NULL)) {
        return true;
    }
    place->worker = coh_worker_new(generation, index);
    return place->worker != NULL;
}

static bool
may_start(const struct coh_generation *generation)
{
    return (generation->template || generation->is_repairing) &&
        (generation->state == COH_GENERATION_STARTING ||
         (generation->state == COH_GENERATION_SERVING &&
          !generation->primary->is_paused));
}

/* Start one, or try again later. False: the generation has failed by that. */
static bool
start_or_retry(struct coh_generation *generation, unsigned index)
{
    if (start_worker(generation, index)) {
        return true;
    }
    if (generation->state != COH_GENERATION_SERVING) {
        coh_reload_failed(generation, "its workers cannot be started");
        return false;
    }
    coh_event_add_ms(&generation->places[index].retry, RETRY_MS);
    return true;
}

/* Sockets that could not be had may be there now; but those on their way out go
   on, however often a worker cannot be started. */
static void
on_retry(evutil_socket_t fd, short what, void *user)
{
    struct coh_place *place = user;
    struct coh_generation *generation = place->generation;
    unsigned index = (unsigned)(place - generation->places);

    (void)fd;
    (void)what;
    if (generation->leaving_count == 0) {
        coh_scale_settle(generation);
    } else if (
        may_start(generation) && index < generation->target &&
        start_or_retry(generation, index)) {
        coh_vacancy_look(generation);
    }
}

void
coh_scale_init(struct coh_generation *generation)
{
    for (unsigned i = 0; i < generation->place_count; i++) {
        struct coh_place *place = &generation->places[i];

        place->generation = generation;
        event_assign(
            &place->retry, generation->primary->loop.base, -1, 0, on_retry,
            place);
    }
}

/* --- sockets of their own ------------------------------------------------- */

static bool
has_sockets_per_place(const struct coh_generation *generation)
{
    for (size_t i = 0; i < generation->acceptor_count; i++) {
        const struct coh_acceptor *acceptor = &generation->acceptors[i];

        if (acceptor->listener && acceptor->policy->is_per_place) {
            return true;
        }
    }
    return false;
}

/* The next generation has prepared sockets of the same addresses, which are no
   surplus, or is going to serve on ours: until it serves or has been dropped
   none are added or closed. Workers share them meanwhile. */
static bool
are_sockets_kept(const struct coh_generation *generation)
{
    const struct coh_generation *next = generation->primary->next;

    return next &&
        (has_sockets_per_place(generation) || has_sockets_per_place(next));
}

/* Workers from this place on have shared the sockets of others until now, and
   know of no other ones: new ones take their places. */
static void
dismiss_sharers(struct coh_generation *generation, unsigned first)
{
    for (unsigned i = first; i < generation->target; i++) {
        struct coh_worker *worker = generation->places[i].worker;

        if (worker) {
            generation->places[i].worker = NULL;
            coh_dismiss(worker, COHORT_REASON_SCALE);
        }
    }
}

/* A socket for each worker that will be. Failures are logged; workers share
   sockets then. */
static void
grow_listeners(struct coh_generation *generation)
{
    char why[COH_LISTENER_WHY_MAX];

    for (size_t i = 0; i < generation->acceptor_count; i++) {
        struct coh_acceptor *acceptor = &generation->acceptors[i];
        unsigned before;

        if (!acceptor->listener || !acceptor->policy->is_per_place) {
            continue;
        }
        before = acceptor->listener->socket_count;
        if (coh_listener_grow(acceptor->listener, generation->target, why) <
            0) {
            cohort_error(&generation->primary->log, "%s", why);
        } else if (acceptor->listener->socket_count > before) {
            dismiss_sharers(generation, before);
        }
    }
}

/* Sockets of an acceptor that somebody will accept from. */
static unsigned
wanted_sockets(
    const struct coh_generation *generation,
    const struct coh_acceptor *acceptor)
{
    return acceptor->policy->is_per_place ? generation->target : 1;
}

/* Of surplus workers; or inherited from another primary that is about to go. */
static bool
has_surplus_sockets(const struct coh_generation *generation)
{
    for (size_t i = 0; i < generation->acceptor_count; i++) {
        const struct coh_acceptor *acceptor = &generation->acceptors[i];

        if (acceptor->listener && acceptor->listener->lent_count == 0 &&
            acceptor->listener->socket_count >
                wanted_sockets(generation, acceptor)) {
            return true;
        }
    }
    return false;
}

/* Empty the sockets that nobody else accepts from. */
static void
shrink_listeners(struct coh_generation *generation)
{
    for (size_t i = 0; i < generation->acceptor_count; i++) {
        const struct coh_acceptor *acceptor = &generation->acceptors[i];
        unsigned wanted;

        if (!acceptor->listener) {
            continue;
        }
        wanted = wanted_sockets(generation, acceptor);
        if (acceptor->listener->socket_count > wanted) {
            coh_leaving_start(generation, i, wanted);
        }
    }
}

unsigned
coh_scale_max(const struct coh_generation *generation)
{
    return generation->settings.worker_processes_max < generation->place_count
        ? generation->settings.worker_processes_max
        : generation->place_count;
}

unsigned
coh_scale_waiting(const struct coh_generation *generation)
{
    unsigned count = 0;

    for (unsigned i = 0; i < generation->place_count; i++) {
        if (event_pending(&generation->places[i].retry, EV_TIMEOUT, NULL)) {
            count++;
        }
    }
    return count;
}

void
coh_scale_occupy(struct coh_generation *generation)
{
    for (unsigned i = 0; i < generation->place_count; i++) {
        generation->places[i].is_vacant = false;
    }
}

void
coh_scale_drain_surplus(struct coh_generation *generation)
{
    for (unsigned i = generation->target; i < generation->place_count; i++) {
        struct coh_worker *worker = generation->places[i].worker;

        event_del(&generation->places[i].retry);
        coh_place_environment_forget(&generation->places[i].environment);
        generation->places[i].worker = NULL;
        if (worker) {
            coh_dismiss(worker, COHORT_REASON_SCALE);
        }
    }
}

/* --- settling ------------------------------------------------------------- */

static bool
has_surplus(const struct coh_generation *generation)
{
    for (unsigned i = generation->target; i < generation->place_count; i++) {
        if (generation->places[i].worker) {
            return true;
        }
    }
    return false;
}

void
coh_scale_settle(struct coh_generation *generation)
{
    bool is_serving = generation->state == COH_GENERATION_SERVING;
    bool may_change = is_serving && !are_sockets_kept(generation);

    if (!may_start(generation)) {
        return;
    }
    coh_leaving_cancel(generation);
    if (may_change) {
        grow_listeners(generation); /* else prepared, and nobody gets any yet */
    }
    for (unsigned i = 0; i < generation->target; i++) {
        if (!start_or_retry(generation, i)) {
            return;
        }
        if (is_serving && generation->places[i].worker) {
            coh_worker_serve(generation->places[i].worker);
        }
    }
    if (may_change &&
        (has_surplus(generation) || has_surplus_sockets(generation))) {
        shrink_listeners(generation);
        if (generation->leaving_count == 0) {
            coh_scale_drain_surplus(generation);
        }
    }
    coh_vacancy_look(generation);
}

/* --- replacing ------------------------------------------------------------ */

bool
coh_scale_back_off(struct coh_place *place, uint64_t id, uint64_t life_ms)
{
    struct coh_generation *generation = place->generation;
    uint64_t delay_ms = coh_respawn_delay(&place->respawn, life_ms);
    uint64_t pace_ms = coh_respawn_pace(
        &generation->pace, coh_monotonic_ms(), generation->target);
    struct coh_event event = {
        .kind = COH_EVENT_CRASH_LOOP,
        .generation = generation->number,
        .worker_id = id,
        .group = COH_GROUP_MAIN,
        .delay_ms = delay_ms > pace_ms ? delay_ms : pace_ms,
    };

    if (event.delay_ms == 0) {
        return false;
    }
    coh_event_tell(&generation->primary->readers, &event);
    coh_event_add_ms(&place->retry, event.delay_ms);
    return true;
}

static void
replace(struct coh_generation *generation, const struct coh_ended_worker *ended)
{
    struct coh_place *place = &generation->places[ended->place];

    if (!coh_scale_back_off(place, ended->id, ended->life_ms)) {
        start_or_retry(generation, ended->place);
    }
}

void
coh_scale_worker_ended(
    struct coh_generation *generation, const struct coh_ended_worker *ended)
{
    char why[128 + COH_LAST_WORDS_MAX];

    if (generation->state == COH_GENERATION_STARTING ||
        generation->state == COH_GENERATION_TRYING) {
        snprintf(
            why, sizeof(why), "its worker %" PRIu64 " ended with %s %d%s%s",
            ended->id, ended->how.is_signal ? "signal" : "status",
            ended->how.number,
            ended->last_words[0] ? ", saying: " : " without a word",
            ended->last_words);
        coh_reload_failed(generation, why);
    } else if (generation->state == COH_GENERATION_SERVING) {
        if (may_start(generation) && ended->place < generation->target &&
            !generation->places[ended->place].worker &&
            !generation->places[ended->place].is_vacant) {
            replace(generation, ended);
        }
        coh_vacancy_look(generation);
    } else {
        coh_generation_reap(generation);
    }
}
