/* The primary's part in one listening address of one generation. */
#ifndef COH_SERVER_ACCEPT_ACCEPTOR_H
#define COH_SERVER_ACCEPT_ACCEPTOR_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "core/interval.h"
#include "server/accept/listener.h"
#include "server/accept/moderation.h"
#include "server/accept/policy.h"
#include "server/accept/rotation.h"

/*
 * Made when a generation is loaded, started when it is committed, stopped when
 * it is replaced or drains. Only policies under which the primary accepts have
 * anything to do in between.
 */
struct coh_acceptor {
    TAILQ_ENTRY(coh_acceptor) link; /* in the rotation, while it waits */
    const struct coh_policy *policy;
    struct coh_listener *listener; /* holds a reference */
    struct coh_rotation *rotation;
    unsigned index; /* the listener's number in the generation */
    /* Where the primary accepts (primary_accept.c): one of the two watches. */
    struct event event;
    struct coh_interval interval;
    struct coh_moderation moderation; /* says which */
    struct event retry;               /* after EMFILE */
    bool is_started;
    bool was_started; /* at any time */
    bool is_waiting;  /* until somebody has credit */
    bool is_starved;  /* it waits until a descriptor is free */
    uint64_t told_ms; /* when that was an alert last (coh_pausing_level) */
};

/*
 * listener     The caller's reference goes over.
 * place_count  How many workers the generation may have: reuseport opens that
 *              many sockets.
 * Returns      0; -errno with why, and the reference is given back.
 */
int coh_acceptor_init(
    struct coh_acceptor *acceptor, enum cohort_policy policy,
    struct coh_listener *listener, struct coh_rotation *rotation,
    unsigned index, unsigned place_count, char why[COH_LISTENER_WHY_MAX]);

/* Accept from now on. 0 or -errno. */
int coh_acceptor_start(struct coh_acceptor *acceptor);

/* Accept no more; what was accepted is still handed over. */
void coh_acceptor_stop(struct coh_acceptor *acceptor);

/* The descriptor that the worker of a place gets with its listeners (stays the
   listener's), or -1 when it gets none. place < place_count. */
int coh_acceptor_socket(const struct coh_acceptor *acceptor, unsigned place);

/* Hand over one connection of this address that was accepted otherwise (what
   an emptied socket held). fd now belongs to the rotation. */
void coh_acceptor_hand_over(struct coh_acceptor *acceptor, int fd);

/* Stop, and give the listener back. */
void coh_acceptor_fini(struct coh_acceptor *acceptor);

#endif
