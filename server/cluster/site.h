/* An address that members of a cluster listen on: its sockets, and who takes
   connections there. */
#ifndef COH_CLUSTER_SITE_H
#define COH_CLUSTER_SITE_H

#include <event2/event_struct.h>
#include <stdint.h>
#include <sys/queue.h>

#include "server/accept/acceptor.h"
#include "server/accept/rotation.h"
#include "server/cluster/query.h"

struct coh_cluster;
struct coh_foster;
struct coh_json;
struct coh_site_turns;
struct cohort_worker;

TAILQ_HEAD(coh_site_seats, coh_seat);

struct coh_site {
    TAILQ_ENTRY(coh_site) link;
    struct coh_cluster *cluster;
    uint32_t number;        /* never used again */
    struct coh_query query; /* as it was asked for first */
    enum cohort_policy policy;
    struct coh_addr bound;
    struct coh_acceptor acceptor; /* not for UDP */
    struct coh_rotation rotation;
    bool is_stopped; /* accepts no more (coh_site_stop) */
    int udp;         /* the shared socket; -1: none */
    struct coh_site_seats seats;
    struct coh_site_turns *turns; /* shared: the socket's; NULL: it has none */
    struct coh_foster **fosters;  /* by place; one socket needs none */
    unsigned place_count;
    struct coh_json *data; /* what Node workers share; NULL: nothing */
};

/* A member's part in a site. */
struct coh_seat {
    TAILQ_ENTRY(coh_seat) site_link;
    TAILQ_ENTRY(coh_seat) member_link;
    struct coh_site *site;
    struct cohort_worker *member;
    struct coh_handoff_peer peer;
    int turn;         /* shared: its place there; -1: none */
    unsigned place;   /* reuseport: which socket */
    unsigned index;   /* the codec's */
    void *codec;      /* the codec's */
    bool is_outsider; /* shared: others take turns, it does not */
    bool is_leaving;  /* as soon as nothing is under way */
};

/*
 * A seat for a member; the site is opened if it is the first. It gets nothing
 * before coh_seat_open.
 *
 * seat     Out; left alone on failure.
 * why      Says on failure what and where.
 * Returns  0; -errno.
 */
int coh_site_join(
    struct cohort_worker *member, const struct coh_query *query,
    struct coh_seat **seat, char why[COH_LISTENER_WHY_MAX]);

/* The member knows that it has the seat: connections may come. */
void coh_seat_open(struct coh_seat *seat);

/*
 * The member takes no more connections there; those that it has not taken go to
 * others. The last one closes the sockets, unless the cluster keeps them for
 * who follows: it has died, or the cluster is paused.
 *
 * is_dead  Nothing comes from it any more; else what is under way is awaited.
 */
void coh_site_leave(struct coh_seat *seat, bool is_dead);

/* Accept no more; what was accepted is still handed to members. */
void coh_site_stop(struct coh_site *site);

/* Accept no more, and give what nobody has taken to the cluster's successor. */
void coh_site_hand_on(struct coh_site *site);

/* Close those where nobody is left: the members that died there are not
   followed. */
void coh_site_close_empty(struct coh_cluster *cluster);

/* The socket that the member needs, or -1. It stays the site's. */
int coh_seat_socket(const struct coh_seat *seat);

#endif
