/* The primary's part in one listening address of one generation. */
#include "server/accept/acceptor.h"

#include <string.h>

#include "core/socket.h"

int
coh_acceptor_init(
    struct coh_acceptor *acceptor, enum cohort_policy policy,
    struct coh_listener *listener, struct coh_rotation *rotation,
    unsigned index, unsigned place_count, char why[COH_LISTENER_WHY_MAX])
{
    int result = 0;

    *acceptor = (struct coh_acceptor){
        .policy = coh_policy_of(policy),
        .listener = listener,
        .rotation = rotation,
        .index = index,
        .interval = COH_INTERVAL_INIT,
    };
    if (acceptor->policy->is_per_place &&
        (listener->address.u.any.sa_family == AF_UNIX ||
         listener->is_inherited)) {
        acceptor->policy = &coh_policy_shared; /* the nearest there is */
    }
    if (acceptor->policy->is_per_place) {
        result = coh_listener_prepare(listener, place_count, why);
    }
    if (result < 0) {
        coh_listener_release(listener);
        acceptor->listener = NULL;
    }
    return result;
}

int
coh_acceptor_start(struct coh_acceptor *acceptor)
{
    int result = 0;

    if (acceptor->is_started) {
        return 0;
    }
    if (!coh_listener_is_closed(acceptor->listener)) {
        /* Who had it before may have been a program, and had it as it likes. If
           it fails, it most likely is what it should be; nobody would accept
           there without us. */
        (void)coh_fd_set_nonblocking(acceptor->listener->sockets[0], true);
    }
    if (acceptor->policy->is_per_place) {
        coh_listener_activate(acceptor->listener);
    }
    if (acceptor->policy->start != NULL) {
        result = acceptor->policy->start(acceptor);
    }
    acceptor->is_started = result == 0;
    acceptor->was_started |= acceptor->is_started;
    return result;
}

void
coh_acceptor_stop(struct coh_acceptor *acceptor)
{
    if (!acceptor->is_started) {
        return;
    }
    acceptor->is_started = false;
    coh_rotation_wait_end(acceptor->rotation, acceptor);
    if (acceptor->policy->stop != NULL) {
        acceptor->policy->stop(acceptor);
    }
}

int
coh_acceptor_socket(const struct coh_acceptor *acceptor, unsigned place)
{
    const struct coh_listener *listener = acceptor->listener;

    if (acceptor->policy->worker_start == NULL) {
        return -1;
    }
    return acceptor->policy->is_per_place
        ? listener->sockets[place % listener->socket_count]
        : listener->sockets[0];
}

void
coh_acceptor_hand_over(struct coh_acceptor *acceptor, int fd)
{
    coh_rotation_push(acceptor->rotation, acceptor, fd);
    coh_rotation_settle(acceptor->rotation);
    coh_rotation_flush(acceptor->rotation);
}

void
coh_acceptor_fini(struct coh_acceptor *acceptor)
{
    coh_acceptor_stop(acceptor);
    if (acceptor->listener != NULL) {
        if (acceptor->policy->is_per_place && !acceptor->was_started) {
            coh_listener_retract(acceptor->listener);
        }
        coh_listener_release(acceptor->listener);
        acceptor->listener = NULL;
    }
}
