/* A cluster: members that are started by executing programs, what they listen
   on, and what there is to tell of them. Doors that lead here: the C API
   (primary.c), and worker groups of a configuration
   (server/primary/groups/group.h). */
#ifndef COH_CLUSTER_CLUSTER_H
#define COH_CLUSTER_CLUSTER_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <cohort/cluster.h>

#include "server/cluster/event.h"
#include "server/cluster/settings.h"

struct coh_cluster;
struct coh_cluster_secrets;
struct coh_listeners;
struct coh_loop;
struct coh_query;
struct coh_site;
struct coh_watchdog;
struct cohort_log;

TAILQ_HEAD(coh_member_list, cohort_worker);
TAILQ_HEAD(coh_site_list, coh_site);

/* Somebody who wants to know when the last member has gone. */
struct coh_cluster_wait {
    STAILQ_ENTRY(coh_cluster_wait) link;
    void (*on_done)(struct cohort_primary *owner, void *user);
    void *user;
};

struct coh_cluster {
    /* Set by whoever owns it, before coh_cluster_init; all outlive it. */
    struct coh_loop *loop;
    struct cohort_log *log;
    struct coh_listeners *listeners;
    _Atomic uint64_t *last_id;    /* members get the next ones */
    struct cohort_primary *owner; /* NULL: no program's */
    void (*on_settled)(struct coh_cluster *cluster); /* events were told; may be
                                                        NULL */
    /* Before what a member asks for is opened: 0, or -errno if it is somebody
       else's; NULL: it never is. */
    int (*claim)(struct coh_cluster *cluster, const struct coh_query *query);
    struct coh_watchdog *watchdog; /* of its members; NULL: there is none */
    /* A member hangs: another one is to take its place; asked for again and
       again. And: has one taken it? NULL: that is the program's business. */
    void (*replace)(struct cohort_worker *member);
    bool (*is_replaced)(const struct cohort_worker *member);
    uint64_t start_patience_ms; /* the watchdog's limit is no shorter until
                                   coh_member_watch_closely */
    bool keeps_sites; /* the dead are followed (coh_site_close_empty) */
    bool is_paused;   /* those who leave are, too */
    bool is_held;     /* nobody gets connections before coh_cluster_release, but
                     those who accept by themselves and cannot be told to wait
                     (coh_member_accepts) */
    struct coh_cluster *successor; /* serves what nobody here has taken; NULL */

    struct coh_cluster_settings *settings; /* NULL before the first setup */
    enum cohort_policy policy;
    bool is_policy_frozen;
    unsigned inspect_count; /* ports given since the number was set */

    struct coh_member_list members; /* in the order of their ids */
    unsigned member_count;
    struct coh_member_list dead; /* until their last event was told */
    struct coh_site_list sites;
    uint32_t last_site;
    struct coh_cluster_secrets *secrets; /* NULL: none was asked for */

    struct coh_cluster_events events;
    STAILQ_HEAD(, coh_cluster_wait) waits;
};

/* Nothing is started yet; coh_spawn_init has been called. */
void coh_cluster_init(struct coh_cluster *cluster);

/* Kill all members, close everything; nothing is told any more. */
void coh_cluster_fini(struct coh_cluster *cluster);

/* -EBUSY after the first setup or fork. */
int coh_cluster_set_policy(
    struct coh_cluster *cluster, enum cohort_policy policy);

/* Merge changes into the settings (NULL: none) and tell setup. 0 or -EINVAL:
   then nothing has changed. */
int coh_cluster_setup(
    struct coh_cluster *cluster, const struct cohort_settings *changes);

/* Start a member with the settings of now. Returns 0 or -errno after a log
   line. */
int coh_cluster_fork(
    struct coh_cluster *cluster, const char *const *environment,
    struct cohort_worker **member);

/* Let members have connections where they listen, if they were held. */
void coh_cluster_release(struct coh_cluster *cluster);

/* Accept no more: what nobody here has taken, now and later, is for the
   successor's members. NULL: there is none. */
void coh_cluster_hand_on(
    struct coh_cluster *cluster, struct coh_cluster *successor);

/* Kill all members, with this reason. */
void coh_cluster_kill(
    struct coh_cluster *cluster, int number, enum cohort_reason reason);

/* In a forked child that goes on as something else: close what belongs to the
   primary alone. */
void coh_cluster_forget(struct coh_cluster *cluster);

/* NULL: gone, or never was. */
struct cohort_worker *coh_cluster_member(
    struct coh_cluster *cluster, uint64_t id);

/* Disconnect all; on_done is called from the loop, when all have gone. 0 or
   -ENOMEM. */
int coh_cluster_disconnect(
    struct coh_cluster *cluster,
    void (*on_done)(struct cohort_primary *owner, void *user), void *user);

/* After events were told: whoever waited is called if nobody is left. */
void coh_cluster_settle(struct coh_cluster *cluster);

#endif
