/* The helper accepts alone, and asks the kernel who the client is. */
#include "server/process/doors.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>

#include "core/addr.h"
#include "core/event.h"
#include "server/accept/intake.h"
#include "server/admin/service.h"
#include "server/process/load.h"
#include "server/process/peer.h"

#define LAST_MAX 64       /* connections per socket, before it is closed */
#define PATIENCE_MS 10000 /* with strangers, until they have asked */

/* Nobody tells when an answer has been sent and its client is idle. */
#define LOOK_MS 20

/* Descriptors that are no clients': the loop's, channels, logs, what answers
   bring along. */
#define OWN_DESCRIPTORS 32

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

/* --- strangers ------------------------------------------------------------ */

/* Those that have asked before and are idle now make room. */
static bool
may_come_in(struct coh_intake *intake)
{
    unsigned half = intake->open_max / 2;

    if (coh_intake_open_count(intake) >= half) {
        coh_intake_reclaim(intake);
    }
    return coh_intake_open_count(intake) < half;
}

static void
serve_next(struct coh_doors *doors)
{
    struct coh_intake *intake = doors->intake;
    unsigned door;
    int fd = coh_waiting_room_next(&doors->room, &door);

    if (fd >= 0) {
        coh_intake_serve(
            &intake->listeners[COH_ADMIN_ADDRESSES_MAX + door], fd);
    }
}

static void
let_in(void *user)
{
    struct coh_doors *doors = user;

    while (!TAILQ_EMPTY(&doors->room.ready) && may_come_in(doors->intake)) {
        serve_next(doors);
    }
    if (!TAILQ_EMPTY(&doors->room.ready)) {
        coh_event_add_ms(&doors->look, LOOK_MS);
    }
}

static void
on_look(evutil_socket_t fd, short what, void *user)
{
    (void)fd;
    (void)what;
    let_in(user);
}

static void
on_closed(void *user)
{
    struct coh_doors *doors = user;

    if (!TAILQ_EMPTY(&doors->room.ready)) {
        event_active(&doors->look, EV_TIMEOUT, 1);
    }
}

/* --- accepting ------------------------------------------------------------ */

static void
on_acceptable(evutil_socket_t fd, short what, void *user)
{
    struct coh_intake_listener *listener = user;
    struct coh_intake *intake = listener->intake;
    struct coh_doors *doors = listener->user;
    size_t index = (size_t)(listener - intake->listeners);
    int client = coh_intake_accept(listener);

    (void)fd;
    (void)what;
    if (client >= 0) {
        enum coh_admin_door door = door_of(
            &doors->settings, &doors->settings.addresses[index], client);

        if (door == COH_ADMIN_OPEN) {
            coh_intake_serve(
                &intake->listeners[COH_ADMIN_ADDRESSES_MAX + door], client);
        } else {
            coh_waiting_room_enter(&doors->room, client, door);
        }
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

/* How many clients there may be, those that wait included, without a lack of
   descriptors. */
static unsigned
client_max(const struct coh_intake *intake)
{
    unsigned most = intake->open_max + COH_WAITING_MAX;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 ||
        limit.rlim_cur >= most + OWN_DESCRIPTORS) {
        return most;
    }
    return limit.rlim_cur < 2 * OWN_DESCRIPTORS
        ? OWN_DESCRIPTORS
        : (unsigned)limit.rlim_cur - OWN_DESCRIPTORS;
}

int
coh_doors_init(
    struct coh_doors *doors, struct coh_intake *intake,
    const struct cohort_load *load)
{
    unsigned most = client_max(intake);
    unsigned waiting = most / 5 < COH_WAITING_MAX ? most / 5 : COH_WAITING_MAX;
    int result;

    *doors = (struct coh_doors){.intake = intake};
    coh_waiting_room_init(
        &doors->room, intake->loop, waiting, PATIENCE_MS, let_in, doors);
    event_assign(&doors->look, intake->loop->base, -1, 0, on_look, doors);
    coh_intake_fini(intake);
    intake->open_max = most - waiting;
    intake->on_closed = on_closed;
    intake->closed_user = doors;
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
    coh_waiting_room_clear(&doors->room);
    while (!TAILQ_EMPTY(&doors->room.ready)) {
        serve_next(doors);
    }
}
