/* The sockets of a reuseport group, one per place of a worker. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <cohort/log.h>

#include "server/accept/emptying.h"
#include "server/accept/listener.h"
#include "server/accept/socket_open.h"
#include "server/accept/steer.h"

static int
add_sockets(
    struct coh_listener *listener, unsigned count,
    char why[COH_LISTENER_WHY_MAX])
{
    const struct coh_listen_request request = {
        .address = listener->address,
        .options = listener->options,
    };

    if (count > COH_LISTENER_SOCKETS_MAX) {
        count = COH_LISTENER_SOCKETS_MAX;
    }
    while (listener->socket_count < count) {
        int fd = coh_socket_open(&request, true, why);
        int result = fd < 0 ? fd : coh_listener_add(listener, fd);

        if (result < 0) {
            return result;
        }
    }
    return 0;
}

/* The kernel spreads nothing over unix sockets: one has to do. */
static bool
is_big_enough(const struct coh_listener *listener, unsigned count)
{
    return listener->address.u.any.sa_family == AF_UNIX ||
        listener->socket_count >= count;
}

int
coh_listener_prepare(
    struct coh_listener *listener, unsigned count,
    char why[COH_LISTENER_WHY_MAX])
{
    int result;

    if (is_big_enough(listener, count)) {
        return 0;
    }
    coh_emptying_cancel(listener);
    result = coh_steer_group(listener->sockets[0], listener->live_count);
    if (result < 0) {
        cohort_warn(
            listener->set->log,
            "connections may wait for workers that start: %s",
            strerror(-result));
    }
    result = add_sockets(listener, count, why);
    if (result < 0) {
        coh_listener_retract(listener);
    }
    return result;
}

void
coh_listener_activate(struct coh_listener *listener)
{
    if (listener->live_count < listener->socket_count) {
        coh_steer_group_end(listener->sockets[0]);
        listener->live_count = listener->socket_count;
    }
}

void
coh_listener_retract(struct coh_listener *listener)
{
    if (listener->live_count < listener->socket_count) {
        /* Workers that are about to be killed may have copies. */
        for (unsigned i = listener->live_count; i < listener->socket_count;
             i++) {
            shutdown(listener->sockets[i], SHUT_RDWR);
        }
        coh_listener_shrink(listener, listener->live_count);
        coh_steer_group_end(listener->sockets[0]);
    }
}

int
coh_listener_grow(
    struct coh_listener *listener, unsigned count,
    char why[COH_LISTENER_WHY_MAX])
{
    int result = coh_listener_prepare(listener, count, why);

    if (result == 0) {
        coh_listener_activate(listener);
    }
    return result;
}
