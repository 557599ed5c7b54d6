/* Places of a site: a socket each, which stays when its member goes, since
   closing it would reset what waits there. */
#include "server/cluster/foster.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <cohort/log.h>

#include "core/event.h"
#include "server/cluster/cluster.h"
#include "server/cluster/site.h"
#include "server/cluster/site_open.h"

struct coh_foster {
    struct coh_site *site;
    unsigned place;
    bool is_taken; /* by a member, or by the policy, which accepts itself */
    struct event event;
    struct event retry; /* while nobody could serve what is accepted */
};

/* Nobody can take more, or nothing can be accepted: look again after this
   long. */
#define RETRY_MS 20

static struct coh_listener *
listener_of(const struct coh_site *site)
{
    return site->acceptor.listener;
}

static bool
is_per_place(const struct coh_site *site)
{
    return site->udp < 0 && site->acceptor.policy->is_per_place;
}

/* --- accepting ------------------------------------------------------------ */

static void
rest(struct coh_foster *foster)
{
    event_del(&foster->event);
    coh_event_add_ms(&foster->retry, RETRY_MS);
}

/* One at a time: whoever comes next may take the place over. */
static void
on_acceptable(evutil_socket_t fd, short what, void *user)
{
    struct coh_foster *foster = user;
    int client;

    (void)what;
    coh_rotation_settle(&foster->site->rotation);
    if (coh_rotation_room(&foster->site->rotation) == 0) {
        rest(foster);
        return;
    }
    client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client >= 0) {
        coh_acceptor_hand_over(&foster->site->acceptor, client);
    } else if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR) {
        rest(foster);
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
start(struct coh_foster *foster)
{
    struct coh_site *site = foster->site;
    struct event_base *base = site->cluster->loop->base;

    foster->is_taken = false;
    event_assign(
        &foster->event, base, listener_of(site)->sockets[foster->place],
        EV_READ | EV_PERSIST, on_acceptable, foster);
    event_assign(&foster->retry, base, -1, 0, on_retry, foster);
    event_add(&foster->event, NULL);
}

static void
stop(struct coh_foster *foster)
{
    if (!foster->is_taken) {
        event_del(&foster->event);
        event_del(&foster->retry);
        foster->is_taken = true;
    }
}

/* --- places --------------------------------------------------------------- */

static struct coh_foster *
find_free(const struct coh_site *site)
{
    for (unsigned i = 0; i < site->place_count; i++) {
        if (!site->fosters[i]->is_taken) {
            return site->fosters[i];
        }
    }
    return NULL;
}

/* One more, which is taken; NULL: out of memory. */
static struct coh_foster *
add_place(struct coh_site *site)
{
    struct coh_foster **fosters = realloc(
        site->fosters, (site->place_count + 1) * sizeof(*site->fosters));
    struct coh_foster *foster;

    if (fosters == NULL) {
        return NULL;
    }
    site->fosters = fosters;
    foster = calloc(1, sizeof(*foster));
    if (foster == NULL) {
        return NULL;
    }
    foster->site = site;
    foster->place = site->place_count;
    foster->is_taken = true;
    site->fosters[site->place_count++] = foster;
    return foster;
}

/* A socket for one member more. While the site may yet be dropped, it gets no
   connection: coh_acceptor_start and coh_acceptor_fini decide about it. */
static int
add_socket(struct coh_site *site, char *why)
{
    return site->acceptor.is_started
        ? coh_listener_grow(listener_of(site), site->place_count + 1, why)
        : coh_listener_prepare(listener_of(site), site->place_count + 1, why);
}

int
coh_foster_take(struct coh_seat *seat, char *why)
{
    struct coh_site *site = seat->site;
    struct coh_foster *foster;
    int result;

    if (!is_per_place(site)) {
        return 0;
    }
    foster = find_free(site);
    if (foster == NULL) {
        result = add_socket(site, why);
        foster = result == 0 ? add_place(site) : NULL;
        if (foster == NULL) {
            return result < 0 ? result
                              : coh_site_fail(&site->query, -ENOMEM, why);
        }
    }
    stop(foster);
    seat->place = foster->place;
    return 0;
}

void
coh_foster_give(struct coh_seat *seat)
{
    struct coh_site *site = seat->site;

    if (is_per_place(site) && seat->place < site->place_count &&
        seat->place < listener_of(site)->socket_count &&
        site->fosters[seat->place]->is_taken) {
        start(site->fosters[seat->place]);
    }
}

void
coh_foster_adopt(struct coh_site *site)
{
    struct coh_foster *foster;

    /* The first one is that of policies that need but one. */
    if (!is_per_place(site) && site->place_count == 0 &&
        listener_of(site)->live_count > 1) {
        (void)add_place(site);
    }
    while (site->place_count > 0 &&
           site->place_count < listener_of(site)->live_count) {
        foster = add_place(site);
        if (foster == NULL) {
            cohort_alert(
                site->cluster->log,
                "cannot watch a listening socket: out of memory");
            return;
        }
        start(foster);
    }
}

void
coh_foster_fini(struct coh_site *site)
{
    for (unsigned i = 0; i < site->place_count; i++) {
        stop(site->fosters[i]);
        free(site->fosters[i]);
    }
    free(site->fosters);
    site->fosters = NULL;
    site->place_count = 0;
}
