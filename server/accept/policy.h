/* A scheduling policy: how connections reach workers. */
#ifndef COH_SERVER_ACCEPT_POLICY_H
#define COH_SERVER_ACCEPT_POLICY_H

#include <stdbool.h>

#include <cohort/cohort.h>

struct coh_acceptor;
struct coh_handoff_peer;
struct coh_intake_listener;
struct coh_rotation;

struct coh_policy {
    enum cohort_policy id;
    const char *name;
    bool is_per_place; /* a socket for each worker */

    /* The primary's side; NULL: nothing to do there. */
    int (*start)(struct coh_acceptor *acceptor);
    void (*stop)(struct coh_acceptor *acceptor);
    /* Somebody has credit again, or a descriptor may be free again. False:
       there is none, it goes on waiting. */
    bool (*resume)(struct coh_acceptor *acceptor);
    /* Whose the next connection is that the primary hands over; NULL only if
       nobody has credit. */
    struct coh_handoff_peer *(*choose)(struct coh_rotation *rotation);

    /* The worker's side; NULL: its connections come over the channel. */
    int (*worker_start)(struct coh_intake_listener *listener);
    void (*worker_stop)(struct coh_intake_listener *listener);
};

/* The primary accepts: start, stop and resume of round_robin and least_conn. */
int coh_primary_accept_start(struct coh_acceptor *acceptor);
void coh_primary_accept_stop(struct coh_acceptor *acceptor);
bool coh_primary_accept_resume(struct coh_acceptor *acceptor);

/* How often it had to stop in this process for want of descriptors or memory;
   any thread. */
uint64_t coh_primary_accept_errors(void);

/* The next one with credit, in turn. */
struct coh_handoff_peer *coh_round_robin_choose(struct coh_rotation *rotation);

extern const struct coh_policy coh_policy_round_robin;
extern const struct coh_policy coh_policy_least_conn;
extern const struct coh_policy coh_policy_shared;
extern const struct coh_policy coh_policy_reuseport;

/* COHORT_POLICY_DEFAULT gives round_robin. Never NULL. */
const struct coh_policy *coh_policy_of(enum cohort_policy id);

#endif
