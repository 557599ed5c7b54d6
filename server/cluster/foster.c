/* Places of a reuseport site: a socket each, which stays when its member goes,
   since closing it would reset what waits there. */
#include "server/cluster/foster.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "core/event.h"
#include "server/cluster/cluster.h"
#include "server/cluster/site.h"

struct coh_foster {
    struct coh_site *site;
    unsigned place;
    bool is_taken; /* by a member */
    struct event event;
    struct event retry; /* while nobody could serve what is accepted */
};

/* Nobody can take more: look again after this long. */
#define RETRY_MS 20

/* One at a time: whoever comes next may take the place over. */
static void
on_acceptable(evutil_socket_t fd, short what, void *user)
{
    struct coh_foster *foster = user;
    int client;

    (void)what;
    coh_rotation_settle(&foster->site->rotation);
    if (coh_rotation_room(&foster->site->rotation) == 0) {
        event_del(&foster->event);
        coh_event_add_ms(&foster->retry, RETRY_MS);
        return;
    }
    client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client >= 0) {
        coh_acceptor_hand_over(&foster->site->acceptor, client);
    }
}

static void
on_retry(evutil_socket_t fd, short what, void *user)
{
    struct coh_foster *foster = user;

    (void)fd;
    (void)what;
    event_add(&foster->event, NULL);
}

static void
stop(struct coh_foster *foster)
{
    event_del(&foster->event);
    event_del(&foster->retry);
}

static int
find_free(const struct coh_site *site)
{
    for (unsigned i = 0; i < site->place_count; i++) {
        if (!site->fosters[i].is_taken) {
            return (int)i;
        }
    }
    return -1;
}

/* The array moves: what waits is waited for anew. */
static int
add_place(struct coh_site *site)
{
    struct coh_foster *fosters;

    fosters = calloc(site->place_count + 1, sizeof(*site->fosters));
    if (fosters == NULL) {
        return -ENOMEM;
    }
    for (unsigned i = 0; i < site->place_count; i++) {
        fosters[i] =
            (struct coh_foster){.site = site, .place = i, .is_taken = true};
    }
    fosters[site->place_count] =
        (struct coh_foster){.site = site, .place = site->place_count};
    free(site->fosters);
    site->fosters = fosters;
    site->place_count++;
    return 0;
}

int
coh_foster_take(struct coh_seat *seat, char *why)
{
    struct coh_site *site = seat->site;
    int place = find_free(site);
    int result;

    if (place < 0) {
        result = coh_listener_grow(
            site->acceptor.listener, site->place_count + 1, why);
        if (result == 0) {
            result = add_place(site);
        }
        if (result < 0) {
            return result;
        }
        place = (int)site->place_count - 1;
    } else {
        stop(&site->fosters[place]);
    }
    site->fosters[place].is_taken = true;
    seat->place = (unsigned)place;
    return 0;
}

void
coh_foster_give(struct coh_seat *seat)
{
    struct coh_site *site = seat->site;
    struct coh_foster *foster;

    if (seat->place >= site->place_count) {
        return; /* another policy */
    }
    foster = &site->fosters[seat->place];
    foster->is_taken = false;
    event_assign(
        &foster->event, site->cluster->loop->base,
        site->acceptor.listener
            ->sockets[seat->place % site->acceptor.listener->socket_count],
        EV_READ | EV_PERSIST, on_acceptable, foster);
    event_assign(
        &foster->retry, site->cluster->loop->base, -1, 0, on_retry, foster);
    event_add(&foster->event, NULL);
}

void
coh_foster_fini(struct coh_site *site)
{
    for (unsigned i = 0; i < site->place_count; i++) {
        if (!site->fosters[i].is_taken) {
            stop(&site->fosters[i]);
        }
    }
    free(site->fosters);
    site->fosters = NULL;
    site->place_count = 0;
}
