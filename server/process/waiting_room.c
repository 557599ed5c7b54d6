/* A fixed number of places; requests are looked at without being read. */
#include "server/process/waiting_room.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/event.h"

/* A head that is longer is for the service to refuse. */
#define HEAD_MAX 4096

enum said {
    SAID_LITTLE,
    SAID_ALL, /* a whole head, or what can never be one */
    SAID_GOODBYE,
};

static enum said
listen_to(int fd)
{
    char head[HEAD_MAX];
    ssize_t size = recv(fd, head, sizeof(head), MSG_PEEK | MSG_DONTWAIT);

    if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
        return SAID_LITTLE;
    }
    if (size <= 0) {
        return SAID_GOODBYE;
    }
    if (size == sizeof(head) || head[0] < 'A' || head[0] > 'Z' ||
        memmem(head, (size_t)size, "\n\r\n", 3) ||
        memmem(head, (size_t)size, "\n\n", 2)) {
        return SAID_ALL;
    }
    return SAID_LITTLE;
}

/* --- places --------------------------------------------------------------- */

static void
let_go(struct coh_waiter *waiter, struct coh_waiters *list)
{
    event_del(&waiter->event);
    shutdown(waiter->fd, SHUT_RDWR);
    close(waiter->fd);
    TAILQ_REMOVE(list, waiter, link);
    TAILQ_INSERT_TAIL(&waiter->room->free, waiter, link);
}

static void
make_room(struct coh_waiting_room *room)
{
    if (!TAILQ_EMPTY(&room->free)) {
        return;
    }
    if (!TAILQ_EMPTY(&room->silent)) {
        let_go(TAILQ_FIRST(&room->silent), &room->silent);
    } else {
        let_go(TAILQ_FIRST(&room->ready), &room->ready);
    }
}

/* --- what they say -------------------------------------------------------- */

/* True: it has become ready. */
static bool
look(struct coh_waiter *waiter)
{
    struct coh_waiting_room *room = waiter->room;

    switch (listen_to(waiter->fd)) {
    case SAID_ALL:
        event_del(&waiter->event);
        TAILQ_REMOVE(&room->silent, waiter, link);
        TAILQ_INSERT_TAIL(&room->ready, waiter, link);
        return true;
    case SAID_GOODBYE:
        let_go(waiter, &room->silent);
        return false;
    default:
        return false;
    }
}

/* Called once for each piece that comes, as nothing is taken (EV_ET). */
static void
on_said(evutil_socket_t fd, short what, void *user)
{
    struct coh_waiter *waiter = user;
    struct coh_waiting_room *room = waiter->room;

    (void)fd;
    if (what & EV_TIMEOUT ||
        coh_monotonic_ms() - waiter->since_ms >= room->patience_ms) {
        let_go(waiter, &room->silent);
    } else if (look(waiter)) {
        room->on_request(room->user);
    }
}

/* --- the room ------------------------------------------------------------- */

void
coh_waiting_room_init(
    struct coh_waiting_room *room, struct coh_loop *loop, unsigned max,
    uint64_t patience_ms, void (*on_request)(void *user), void *user)
{
    *room = (struct coh_waiting_room){
        .loop = loop,
        .patience_ms = patience_ms,
        .on_request = on_request,
        .user = user,
    };
    TAILQ_INIT(&room->silent);
    TAILQ_INIT(&room->ready);
    TAILQ_INIT(&room->free);
    for (unsigned i = 0; i < max && i < COH_WAITING_MAX; i++) {
        room->places[i].room = room;
        TAILQ_INSERT_TAIL(&room->free, &room->places[i], link);
    }
}

void
coh_waiting_room_enter(struct coh_waiting_room *room, int fd, unsigned door)
{
    struct coh_waiter *waiter;

    make_room(room);
    waiter = TAILQ_FIRST(&room->free);
    TAILQ_REMOVE(&room->free, waiter, link);
    TAILQ_INSERT_TAIL(&room->silent, waiter, link);
    waiter->fd = fd;
    waiter->door = door;
    waiter->since_ms = coh_monotonic_ms();
    event_assign(
        &waiter->event, room->loop->base, fd, EV_READ | EV_ET | EV_PERSIST,
        on_said, waiter);
    if (coh_event_add_ms(&waiter->event, room->patience_ms) < 0) {
        let_go(waiter, &room->silent);
    } else if (look(waiter)) {
        room->on_request(room->user);
    }
}

int
coh_waiting_room_next(struct coh_waiting_room *room, unsigned *door)
{
    struct coh_waiter *waiter = TAILQ_FIRST(&room->ready);

    if (!waiter) {
        return -1;
    }
    TAILQ_REMOVE(&room->ready, waiter, link);
    TAILQ_INSERT_TAIL(&room->free, waiter, link);
    *door = waiter->door;
    return waiter->fd;
}

void
coh_waiting_room_clear(struct coh_waiting_room *room)
{
    struct coh_waiter *waiter;

    while ((waiter = TAILQ_FIRST(&room->silent)) != NULL) {
        if (!look(waiter) && TAILQ_FIRST(&room->silent) == waiter) {
            let_go(waiter, &room->silent);
        }
    }
}
