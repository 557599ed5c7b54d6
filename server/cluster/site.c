/* Sites: opened by the first member, left by the last. */
#include "server/cluster/site.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <cohort/log.h>

#include "core/event.h"
#include "core/json.h"
#include "server/cluster/cluster.h"
#include "server/cluster/foster.h"
#include "server/cluster/member.h"
#include "server/cluster/site_open.h"
#include "server/cluster/site_turns.h"

/* --- sites ---------------------------------------------------------------- */

static struct coh_site *
find(struct coh_cluster *cluster, const struct coh_query *query)
{
    struct coh_site *site;

    TAILQ_FOREACH (site, &cluster->sites, link) {
        if (coh_query_is_same(&site->query, query)) {
            return site;
        }
    }
    return NULL;
}

static struct coh_site *
site_new(struct coh_cluster *cluster, const struct coh_query *query)
{
    struct coh_site *site = calloc(1, sizeof(*site));

    if (site == NULL) {
        return NULL;
    }
    site->cluster = cluster;
    site->number = ++cluster->last_site;
    site->query = *query;
    site->policy = query->options.policy != COHORT_POLICY_DEFAULT
        ? query->options.policy
        : cluster->policy;
    if (query->is_udp) {
        site->policy = COHORT_POLICY_SHARED;
    }
    site->udp = -1;
    TAILQ_INIT(&site->seats);
    return site;
}

/* Without IPv6 (switched off, perhaps) the wildcard is IPv4's. */
static void
fall_back(struct coh_query *query)
{
    struct sockaddr_in any = {
        .sin_family = AF_INET,
        .sin_port = query->address.u.v6.sin6_port,
    };

    query->address.u.v4 = any;
    query->address.size = sizeof(any);
}

static int
make_site(
    struct coh_cluster *cluster, const struct coh_query *query,
    struct coh_site **made, char why[COH_LISTENER_WHY_MAX])
{
    struct coh_site *site;
    int result = 0;

    if (cluster->claim != NULL) {
        result = cluster->claim(cluster, query);
    }
    if (result < 0) {
        return coh_site_fail(query, result, why);
    }
    site = site_new(cluster, query);
    if (site == NULL) {
        return coh_site_fail(query, -ENOMEM, why);
    }
    result = coh_site_open(site, why);
    if (result == -EAFNOSUPPORT && query->fd < 0 && !query->has_host) {
        struct coh_query asked = site->query;

        fall_back(&site->query);
        result = coh_site_open(site, why);
        site->query = asked; /* as the next one will ask */
    }
    if (result < 0) {
        free(site);
        return result;
    }
    TAILQ_INSERT_TAIL(&cluster->sites, site, link);
    *made = site;
    return 0;
}

void
coh_site_stop(struct coh_site *site)
{
    if (site->udp < 0) {
        site->is_stopped = true;
        coh_foster_fini(site);
        coh_acceptor_stop(&site->acceptor);
    }
}

void
coh_site_hand_on(struct coh_site *site)
{
    struct coh_cluster *successor = site->cluster->successor;
    struct coh_site *other;

    if (site->udp >= 0) {
        return;
    }
    coh_site_stop(site);
    if (successor == NULL) {
        return;
    }
    TAILQ_FOREACH (other, &successor->sites, link) {
        struct coh_acceptor *acceptor = &other->acceptor;

        if (other->udp < 0) {
            coh_rotation_move(&site->rotation, &acceptor, 1);
        }
    }
}

/* What was asked for as port 0 and by its number are two sites of one socket:
   connections that the members of one have not taken are served by those of the
   other. */
static void
hand_on_to_others(struct coh_site *site)
{
    struct coh_site *other;

    TAILQ_FOREACH (other, &site->cluster->sites, link) {
        struct coh_acceptor *acceptor = &other->acceptor;

        if (other->udp < 0 && !TAILQ_EMPTY(&other->seats)) {
            coh_rotation_move(&site->rotation, &acceptor, 1);
        }
    }
}

static void
site_free(struct coh_site *site)
{
    TAILQ_REMOVE(&site->cluster->sites, site, link);
    if (site->udp >= 0) {
        close(site->udp);
    } else {
        coh_site_turns_fini(site);
        coh_site_hand_on(site);
        hand_on_to_others(site);
        coh_rotation_fini(&site->rotation);
        coh_acceptor_fini(&site->acceptor);
    }
    coh_json_free(site->data);
    free(site);
}

/* The largest that any of its members asked for. */
static void
raise_backlog(struct coh_site *site, int backlog)
{
    struct coh_listener *listener = site->acceptor.listener;
    int now;

    if (site->query.is_udp || site->query.fd >= 0) {
        return;
    }
    backlog = backlog > 0 ? backlog : COH_LISTENER_BACKLOG;
    now = listener->options.backlog > 0 ? listener->options.backlog
                                        : COH_LISTENER_BACKLOG;
    if (backlog > now) {
        struct cohort_listen_options options = listener->options;

        options.backlog = backlog;
        coh_listener_apply(listener, &options);
    }
}

/* --- seats ---------------------------------------------------------------- */

static bool
is_seated(const struct coh_site *site, const struct cohort_worker *member)
{
    const struct coh_seat *seat;

    TAILQ_FOREACH (seat, &site->seats, site_link) {
        if (seat->member == member && !seat->is_leaving) {
            return true;
        }
    }
    return false;
}

static void
seat_free(struct coh_seat *seat, bool is_dead)
{
    struct coh_site *site = seat->site;
    const struct coh_cluster *cluster = site->cluster;

    TAILQ_REMOVE(&site->seats, seat, site_link);
    TAILQ_REMOVE(&seat->member->seats, seat, member_link);
    free(seat);
    if (TAILQ_EMPTY(&site->seats) &&
        !(cluster->keeps_sites && (is_dead || cluster->is_paused))) {
        site_free(site);
    }
}

void
coh_site_close_empty(struct coh_cluster *cluster)
{
    struct coh_site *site = TAILQ_FIRST(&cluster->sites);

    while (site != NULL) {
        struct coh_site *next = TAILQ_NEXT(site, link);

        if (TAILQ_EMPTY(&site->seats)) {
            site_free(site);
        }
        site = next;
    }
}

static struct coh_seat *
seat_new(struct coh_site *site, struct cohort_worker *member)
{
    struct coh_seat *seat = calloc(1, sizeof(*seat));

    if (seat != NULL) {
        seat->site = site;
        seat->member = member;
        seat->turn = -1;
        TAILQ_INSERT_TAIL(&site->seats, seat, site_link);
        TAILQ_INSERT_TAIL(&member->seats, seat, member_link);
    } else if (TAILQ_EMPTY(&site->seats)) {
        site_free(site);
    }
    return seat;
}

/* What a seat needs of its own. */
static int
furnish(struct coh_seat *seat, char why[COH_LISTENER_WHY_MAX])
{
    int result = coh_foster_take(seat, why);

    if (result < 0) {
        return result;
    }
    result = seat->member->codec->take_seat(seat);
    if (result < 0) {
        coh_foster_give(seat);
        return coh_site_fail(&seat->site->query, result, why);
    }
    coh_site_turns_come(seat);
    return 0;
}

int
coh_site_join(
    struct cohort_worker *member, const struct coh_query *query,
    struct coh_seat **seat, char why[COH_LISTENER_WHY_MAX])
{
    struct coh_site *site = find(member->cluster, query);
    struct coh_seat *made;
    int result;

    if (site != NULL && is_seated(site, member)) {
        return coh_site_fail(query, -EADDRINUSE, why);
    }
    if (site == NULL) {
        result = make_site(member->cluster, query, &site, why);
        if (result < 0) {
            return result;
        }
    }
    made = seat_new(site, member);
    if (made == NULL) {
        return coh_site_fail(query, -ENOMEM, why);
    }
    result = furnish(made, why);
    if (result < 0) {
        seat_free(made, false);
        return result;
    }
    raise_backlog(site, query->options.backlog);
    *seat = made;
    return 0;
}

void
coh_seat_open(struct coh_seat *seat)
{
    struct coh_site *site = seat->site;

    if (site->udp < 0 && !site->cluster->is_held) {
        coh_rotation_add(&site->rotation, &seat->peer);
        coh_site_turns_expect(seat);
        if (site->is_stopped) {
            return; /* it comes late, and may take what was accepted */
        }
        if (coh_acceptor_start(&site->acceptor) < 0) {
            cohort_alert(
                site->cluster->log,
                "cannot watch a listening socket: out of memory");
        }
        coh_foster_adopt(site);
    }
}

void
coh_site_leave(struct coh_seat *seat, bool is_dead)
{
    const struct coh_codec *codec = seat->member->codec;

    if (!is_dead && codec->is_seat_busy != NULL && codec->is_seat_busy(seat)) {
        seat->is_leaving = true;
        seat->peer.is_full = true; /* nothing more for it */
        return;
    }
    coh_rotation_remove(&seat->peer);
    seat->member->taken_count += seat->peer.taken_count;
    codec->give_seat(seat);
    coh_site_turns_leave(seat);
    coh_foster_give(seat);
    seat_free(seat, is_dead);
}

int
coh_seat_socket(const struct coh_seat *seat)
{
    return seat->site->udp >= 0
        ? seat->site->udp
        : coh_acceptor_socket(&seat->site->acceptor, seat->place);
}
