/* The workers of a generation that take connections: who takes part, what waits
   for them, and when to look again. */
#include "server/accept/rotation.h"

#include <unistd.h>

#include <cohort/log.h>

#include "core/event.h"
#include "server/accept/acceptor.h"
#include "server/accept/policy.h"

static void on_settle(evutil_socket_t fd, short what, void *user);

void
coh_rotation_pend(struct coh_rotation *rotation, struct coh_offer *offer)
{
    TAILQ_INSERT_TAIL(&rotation->pending, offer, link);
    rotation->pending_count++;
}

void
coh_rotation_unpend(struct coh_rotation *rotation, struct coh_offer *offer)
{
    TAILQ_REMOVE(&rotation->pending, offer, link);
    rotation->pending_count--;
}

void
coh_rotation_forget(struct coh_rotation *rotation, struct coh_offer *offer)
{
    close(offer->fd);
    coh_pool_give(&rotation->offers, offer);
}

void
coh_rotation_init(
    struct coh_rotation *rotation, struct coh_loop *loop,
    struct cohort_log *log)
{
    *rotation = (struct coh_rotation){.loop = loop, .log = log};
    TAILQ_INIT(&rotation->peers);
    TAILQ_INIT(&rotation->acceptors);
    TAILQ_INIT(&rotation->pending);
    coh_pool_init(
        &rotation->offers, sizeof(struct coh_offer), COH_HANDOFF_BATCH,
        COH_OFFERS_MAX);
    event_assign(&rotation->settle, loop->base, -1, 0, on_settle, rotation);
    coh_pausing_init(rotation);
}

static void
tell_dropped(struct coh_rotation *rotation, unsigned count)
{
    if (rotation->on_dropped) {
        rotation->on_dropped(rotation, count, false);
        return;
    }
    cohort_warn(
        rotation->log, "closing %u connections that no worker has taken",
        count);
}

void
coh_rotation_fini(struct coh_rotation *rotation)
{
    struct coh_handoff_peer *peer;
    struct coh_offer *offer;

    while ((peer = TAILQ_FIRST(&rotation->peers)) != NULL) {
        coh_rotation_remove(peer);
    }
    if (rotation->pending_count > 0) {
        tell_dropped(rotation, rotation->pending_count);
    }
    while ((offer = TAILQ_FIRST(&rotation->pending)) != NULL) {
        coh_rotation_unpend(rotation, offer);
        coh_rotation_forget(rotation, offer);
    }
    coh_pausing_fini(rotation);
    event_del(&rotation->settle);
    coh_pool_fini(&rotation->offers);
}

void
coh_rotation_abandon(struct coh_rotation *rotation)
{
    const struct coh_handoff_peer *peer;
    const struct coh_offer *offer;

    TAILQ_FOREACH (offer, &rotation->pending, link) {
        close(offer->fd);
    }
    TAILQ_FOREACH (peer, &rotation->peers, link) {
        for (unsigned word = 0; word < COH_HANDOFF_WINDOW; word++) {
            if (peer->offers[word] != NULL) {
                close(peer->offers[word]->fd);
            }
        }
    }
}

unsigned
coh_rotation_waiting(const struct coh_rotation *rotation)
{
    return rotation->pending_count + rotation->offered_count;
}

unsigned
coh_rotation_room(struct coh_rotation *rotation)
{
    struct coh_handoff_peer *peer;
    unsigned credit = 0;

    TAILQ_FOREACH (peer, &rotation->peers, link) {
        credit += coh_handoff_credit_count(peer);
    }
    return credit > rotation->pending_count ? credit - rotation->pending_count
                                            : 0;
}

void
coh_rotation_push(
    struct coh_rotation *rotation, const struct coh_acceptor *acceptor, int fd)
{
    struct coh_offer *offer;

    if (rotation->divert != NULL && rotation->divert(rotation, acceptor, fd)) {
        return;
    }
    offer = coh_pool_take(&rotation->offers);
    if (offer == NULL) {
        tell_dropped(rotation, 1);
        close(fd);
        return;
    }
    *offer = (struct coh_offer){
        .policy = acceptor->policy,
        .listener = acceptor->listener,
        .index = acceptor->index,
        .fd = fd,
    };
    coh_rotation_pend(rotation, offer);
}

/* Everything pending that somebody can take, oldest first. */
static void
distribute(struct coh_rotation *rotation)
{
    struct coh_offer *offer;
    struct coh_handoff_peer *peer;

    while ((offer = TAILQ_FIRST(&rotation->pending)) != NULL &&
           (peer = offer->policy->choose(rotation)) != NULL) {
        rotation->next = TAILQ_NEXT(peer, link);
        coh_rotation_unpend(rotation, offer);
        coh_handoff_offer(peer, offer);
    }
}

static bool
is_any_blocked(const struct coh_rotation *rotation)
{
    const struct coh_handoff_peer *peer;

    TAILQ_FOREACH (peer, &rotation->peers, link) {
        if (peer->is_blocked) {
            return true;
        }
    }
    return false;
}

/* Look again soon, as long as there is something that no frame will tell. */
static void
settle_later(struct coh_rotation *rotation)
{
    if (!rotation->is_settling &&
        (rotation->offered_count > 0 || is_any_blocked(rotation))) {
        rotation->is_settling =
            coh_event_add_ms(&rotation->settle, COH_HANDOFF_SETTLE_MS) == 0;
    }
}

void
coh_rotation_settle(struct coh_rotation *rotation)
{
    struct coh_handoff_peer *peer;
    uint64_t now_ms;

    coh_loop_update(rotation->loop);
    now_ms = coh_loop_now_ms(rotation->loop);
    TAILQ_FOREACH (peer, &rotation->peers, link) {
        coh_handoff_look(peer, now_ms);
    }
}

static bool
can_distribute(struct coh_rotation *rotation)
{
    const struct coh_offer *first = TAILQ_FIRST(&rotation->pending);

    return first != NULL && first->policy->choose(rotation) != NULL;
}

/* Nobody has credit: let them say when that changes, then look once more, for
   what changed before they could read it. */
static bool
ask_for_credit(struct coh_rotation *rotation)
{
    struct coh_handoff_peer *peer;
    bool has_credit = false;

    TAILQ_FOREACH (peer, &rotation->peers, link) {
        atomic_store(&peer->words->want, 1);
    }
    coh_rotation_settle(rotation);
    TAILQ_FOREACH (peer, &rotation->peers, link) {
        has_credit = has_credit || coh_handoff_has_credit(peer);
    }
    return has_credit;
}

void
coh_rotation_flush(struct coh_rotation *rotation)
{
    struct coh_handoff_peer *peer;
    bool is_again;

    /* What one worker's socket does not take goes to the others; each failure
       blocks a worker, so this ends. */
    do {
        is_again = false;
        distribute(rotation);
        TAILQ_FOREACH (peer, &rotation->peers, link) {
            is_again |= peer->batch_count > 0 && !coh_handoff_send(peer);
        }
        if (rotation->pending_count > 0) {
            is_again = ask_for_credit(rotation) && can_distribute(rotation);
        }
    } while (is_again);
    settle_later(rotation);
}

/* --- when nobody has credit ----------------------------------------------- */

void
coh_rotation_wait(struct coh_rotation *rotation, struct coh_acceptor *acceptor)
{
    if (!acceptor->is_waiting) {
        TAILQ_INSERT_TAIL(&rotation->acceptors, acceptor, link);
        acceptor->is_waiting = true;
        coh_pausing_change(rotation, true);
    }
}

void
coh_rotation_wait_end(
    struct coh_rotation *rotation, struct coh_acceptor *acceptor)
{
    if (acceptor->is_waiting) {
        TAILQ_REMOVE(&rotation->acceptors, acceptor, link);
        acceptor->is_waiting = false;
        coh_pausing_change(rotation, false);
    }
}

bool
coh_rotation_ask(struct coh_rotation *rotation, struct coh_acceptor *acceptor)
{
    if (ask_for_credit(rotation) && coh_rotation_room(rotation) > 0) {
        return true;
    }
    coh_rotation_wait(rotation, acceptor);
    return false;
}

bool
coh_rotation_resume(
    struct coh_rotation *rotation, struct coh_acceptor *acceptor)
{
    if (!acceptor->policy->resume(acceptor)) {
        return false;
    }
    coh_rotation_wait_end(rotation, acceptor);
    return true;
}

/* Those that stopped for want of credit go on. */
static void
resume_acceptors(struct coh_rotation *rotation)
{
    struct coh_acceptor *acceptor = TAILQ_FIRST(&rotation->acceptors);

    while (acceptor != NULL && coh_rotation_room(rotation) > 0) {
        struct coh_acceptor *next = TAILQ_NEXT(acceptor, link);

        coh_rotation_resume(rotation, acceptor);
        acceptor = next;
    }
}

/* Something may have changed for the better. */
static void
go_on(struct coh_rotation *rotation)
{
    coh_rotation_settle(rotation);
    coh_rotation_flush(rotation);
    resume_acceptors(rotation);
}

static void
on_settle(evutil_socket_t fd, short what, void *user)
{
    struct coh_rotation *rotation = user;
    struct coh_handoff_peer *peer;

    (void)fd;
    (void)what;
    rotation->is_settling = false;
    TAILQ_FOREACH (peer, &rotation->peers, link) {
        peer->is_blocked = false;
    }
    go_on(rotation);
}

void
coh_handoff_credit(struct coh_handoff_peer *peer)
{
    if (peer->rotation == NULL) {
        peer->is_full = false;
        return;
    }
    /* Its refusals came before the frame: see them before forgiving them. */
    coh_rotation_settle(peer->rotation);
    peer->is_full = false;
    go_on(peer->rotation);
}

/* --- who takes part ------------------------------------------------------- */

void
coh_rotation_add(struct coh_rotation *rotation, struct coh_handoff_peer *peer)
{
    if (peer->rotation != NULL) {
        return;
    }
    peer->rotation = rotation;
    if (rotation->next == NULL) {
        rotation->next = TAILQ_FIRST(&rotation->peers);
    }
    if (rotation->next != NULL) {
        TAILQ_INSERT_BEFORE(rotation->next, peer, link);
    } else {
        TAILQ_INSERT_TAIL(&rotation->peers, peer, link);
    }
    go_on(rotation);
}

void
coh_rotation_remove(struct coh_handoff_peer *peer)
{
    struct coh_rotation *rotation = peer->rotation;

    if (rotation == NULL) {
        return;
    }
    coh_handoff_end(peer);
    if (rotation->next == peer) {
        rotation->next = TAILQ_NEXT(peer, link);
    }
    TAILQ_REMOVE(&rotation->peers, peer, link);
    peer->rotation = NULL;
    coh_rotation_flush(rotation);
}

static struct coh_acceptor *
find_acceptor(
    struct coh_acceptor *const *acceptors, size_t count,
    const struct coh_listener *listener)
{
    for (size_t i = 0; i < count; i++) {
        if (acceptors[i]->listener == listener) {
            return acceptors[i];
        }
    }
    return NULL;
}

void
coh_rotation_move(
    struct coh_rotation *rotation, struct coh_acceptor *const *acceptors,
    size_t acceptor_count)
{
    struct coh_offer *offer = TAILQ_FIRST(&rotation->pending);

    while (offer != NULL) {
        struct coh_offer *next = TAILQ_NEXT(offer, link);
        struct coh_acceptor *acceptor =
            find_acceptor(acceptors, acceptor_count, offer->listener);

        if (acceptor != NULL) {
            int fd = offer->fd;

            coh_rotation_unpend(rotation, offer);
            coh_pool_give(&rotation->offers, offer);
            coh_acceptor_hand_over(acceptor, fd);
        }
        offer = next;
    }
}
