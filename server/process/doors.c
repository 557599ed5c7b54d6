/* The helper accepts alone, and asks the kernel who the client is. */
#include "server/process/doors.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "core/addr.h"
#include "core/event.h"
#include "server/accept/intake.h"
#include "server/admin/service.h"
#include "server/process/load.h"
#include "server/process/peer.h"

#define LAST_MAX 64 /* connections per socket, before it is closed */

static enum coh_admin_door
door_of(
    const struct coh_frame_admin *settings,
    const struct coh_frame_admin_address *address, int fd)
{
    if (address->is_read_only) {
        return COH_ADMIN_READ_ONLY;
    }
    return coh_peer_may_administrate(
               fd, settings->primary_user, address->owner, address->group)
        ? COH_ADMIN_OPEN
        : COH_ADMIN_FORBIDDEN;
}

static void
on_acceptable(evutil_socket_t fd, short what, void *user)
{
    struct coh_intake_listener *listener = user;
    struct coh_intake *intake = listener->intake;
    const struct coh_doors *doors = listener->user;
    size_t index = (size_t)(listener - intake->listeners);
    int client = coh_intake_accept(listener);

    (void)fd;
    (void)what;
    if (client >= 0) {
        enum coh_admin_door door = door_of(
            &doors->settings, &doors->settings.addresses[index], client);

        coh_intake_serve(
            &intake->listeners[COH_ADMIN_ADDRESSES_MAX + door], client);
    }
}

static int
start_accepting(struct coh_intake_listener *listener)
{
    event_assign(
        &listener->event, listener->intake->loop->base, listener->fd,
        EV_READ | EV_PERSIST, on_acceptable, listener);
    return event_add(&listener->event, NULL) < 0 ? -ENOMEM : 0;
}

static void
stop_accepting(struct coh_intake_listener *listener)
{
    event_del(&listener->event);
}

static const struct coh_policy policy = {
    .name = "helper",
    .worker_start = start_accepting,
    .worker_stop = stop_accepting,
};

int
coh_doors_init(
    struct coh_doors *doors, struct coh_intake *intake,
    const struct cohort_load *load)
{
    int result;

    *doors = (struct coh_doors){.intake = intake};
    coh_intake_fini(intake);
    result =
        coh_intake_init(intake, COH_ADMIN_ADDRESSES_MAX + COH_ADMIN_DOOR_COUNT);
    for (unsigned i = 0; result == 0 && i < COH_ADMIN_DOOR_COUNT; i++) {
        coh_intake_set(
            intake, COH_ADMIN_ADDRESSES_MAX + i, COHORT_POLICY_SHARED,
            &load->listeners[i].address, -1, load->listeners[i].user);
    }
    return result;
}

int
coh_doors_set(
    struct coh_doors *doors, const struct coh_frame_admin *settings, int *fds)
{
    struct coh_intake *intake = doors->intake;

    coh_intake_drain(intake);
    doors->settings = *settings;
    for (unsigned i = 0; i < settings->count; i++) {
        struct coh_addr address = {.size = settings->addresses[i].address_size};

        memcpy(&address.u, &settings->addresses[i].address, address.size);
        coh_intake_set(
            intake, i, COHORT_POLICY_SHARED, &address, fds[i], doors);
        intake->listeners[i].policy = &policy;
        fds[i] = -1;
    }
    return coh_intake_start(intake);
}

void
coh_doors_finish(struct coh_doors *doors)
{
    for (uint32_t i = 0; i < doors->settings.count; i++) {
        struct coh_intake_listener *listener = &doors->intake->listeners[i];
        struct pollfd waiting = {.fd = listener->fd, .events = POLLIN};

        for (int k = 0; k < LAST_MAX && poll(&waiting, 1, 0) > 0; k++) {
            on_acceptable(listener->fd, EV_READ, listener);
        }
    }
}
