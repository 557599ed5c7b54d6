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
    /* Somebody has credit again, or descriptors are free again. */
    void (*resume)(struct coh_acceptor *acceptor);
    /* Whose connection the next one is; NULL: nobody can take one. */
    struct coh_handoff_peer *(*choose)(struct coh_rotation *rotation);

    /* The worker's side; NULL: its connections come over the channel. */
    int (*worker_start)(struct coh_intake_listener *listener);
    void (*worker_stop)(struct coh_intake_listener *listener);
};

extern const struct coh_policy coh_policy_round_robin;
extern const struct coh_policy coh_policy_least_conn;
extern const struct coh_policy coh_policy_shared;
extern const struct coh_policy coh_policy_reuseport;

/* COHORT_POLICY_DEFAULT gives round_robin. Never NULL. */
const struct coh_policy *coh_policy_of(enum cohort_policy id);

#endif
