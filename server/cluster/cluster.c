/* The table of members, their settings, and who waits for their end. */
#include "server/cluster/cluster.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <cohort/log.h>

#include "server/cluster/member.h"
#include "server/cluster/secrets.h"
#include "server/cluster/site.h"
#include "server/cluster/site_turns.h"

void
coh_cluster_init(struct coh_cluster *cluster)
{
    cluster->settings = NULL;
    cluster->policy = cohort_policy_from_environment();
    if (cluster->policy == COHORT_POLICY_DEFAULT) {
        cluster->policy = COHORT_POLICY_ROUND_ROBIN;
    }
    cluster->is_policy_frozen = false;
    cluster->inspect_count = 0;
    cluster->member_count = 0;
    cluster->last_site = 0;
    cluster->secrets = NULL;
    TAILQ_INIT(&cluster->members);
    TAILQ_INIT(&cluster->dead);
    TAILQ_INIT(&cluster->sites);
    STAILQ_INIT(&cluster->waits);
    coh_cluster_events_init(cluster);
}

static void
destroy_all(struct coh_member_list *members)
{
    struct cohort_worker *member;

    while ((member = TAILQ_FIRST(members)) != NULL) {
        TAILQ_REMOVE(members, member, link);
        coh_member_destroy(member);
    }
}

void
coh_cluster_fini(struct coh_cluster *cluster)
{
    struct coh_cluster_wait *wait;

    destroy_all(&cluster->members);
    destroy_all(&cluster->dead);
    coh_site_close_empty(cluster);
    coh_cluster_secrets_leave(cluster);
    coh_cluster_events_fini(cluster);
    while ((wait = STAILQ_FIRST(&cluster->waits)) != NULL) {
        STAILQ_REMOVE_HEAD(&cluster->waits, link);
        free(wait);
    }
    coh_cluster_settings_free(cluster->settings);
    cluster->settings = NULL;
}

/* --- settings ------------------------------------------------------------- */

int
coh_cluster_set_policy(struct coh_cluster *cluster, enum cohort_policy policy)
{
    if ((unsigned)policy > COHORT_POLICY_REUSEPORT) {
        return -EINVAL;
    }
    if (cluster->is_policy_frozen) {
        return -EBUSY;
    }
    cluster->policy =
        policy != COHORT_POLICY_DEFAULT ? policy : COHORT_POLICY_ROUND_ROBIN;
    return 0;
}

/* Policies that Node's workers cannot take part in: they have no words, in
   which least_conn would count, and one socket is all that they know. */
static bool
is_for_node(enum cohort_policy policy)
{
    return policy == COHORT_POLICY_ROUND_ROBIN ||
        policy == COHORT_POLICY_SHARED;
}

static int
change_settings(
    struct coh_cluster *cluster, const struct cohort_settings *changes)
{
    struct coh_cluster_settings *made =
        coh_cluster_settings_make(cluster->settings, changes, cluster->log);

    if (made == NULL) {
        return -EINVAL;
    }
    if (made->shown.protocol == COHORT_PROTOCOL_NODE &&
        !is_for_node(cluster->policy)) {
        cohort_error(
            cluster->log,
            "cannot set up workers: Node programs take part in round_robin and "
            "shared alone");
        coh_cluster_settings_free(made);
        return -EINVAL;
    }
    if (changes != NULL && changes->inspect_port != 0) {
        cluster->inspect_count = 0;
    }
    coh_cluster_settings_free(cluster->settings);
    cluster->settings = made;
    return 0;
}

int
coh_cluster_setup(
    struct coh_cluster *cluster, const struct cohort_settings *changes)
{
    if ((changes != NULL || cluster->settings == NULL) &&
        change_settings(cluster, changes) < 0) {
        return -EINVAL;
    }
    cluster->is_policy_frozen = true;
    coh_cluster_tell_kind(cluster, COH_CLUSTER_SETUP, NULL);
    return 0;
}

/* --- members -------------------------------------------------------------- */

int
coh_cluster_fork(
    struct coh_cluster *cluster, const char *const *environment,
    struct cohort_worker **member)
{
    struct cohort_worker *made;
    int result = coh_cluster_setup(cluster, NULL);

    if (result == 0 && !coh_environment_is_valid(environment)) {
        cohort_error(
            cluster->log,
            "cannot fork: the environment has an entry that is not NAME=VALUE");
        result = -EINVAL;
    }
    if (result == 0) {
        result = coh_member_new(cluster, environment, &made);
    }
    if (result < 0) {
        return result;
    }
    coh_cluster_tell_kind(cluster, COH_CLUSTER_FORK, made);
    if (member != NULL) {
        *member = made;
    }
    return 0;
}

void
coh_cluster_release(struct coh_cluster *cluster)
{
    struct cohort_worker *member;
    struct coh_site *site;
    struct coh_seat *seat;

    cluster->is_held = false;
    TAILQ_FOREACH (member, &cluster->members, link) {
        if (member->line != NULL && member->codec->release != NULL) {
            member->codec->release(member);
        }
    }
    TAILQ_FOREACH (site, &cluster->sites, link) {
        TAILQ_FOREACH (seat, &site->seats, site_link) {
            coh_seat_open(seat);
        }
    }
}

void
coh_cluster_hand_on(struct coh_cluster *cluster, struct coh_cluster *successor)
{
    struct coh_site *site;

    cluster->successor = successor;
    TAILQ_FOREACH (site, &cluster->sites, link) {
        coh_site_hand_on(site);
    }
}

void
coh_cluster_kill(
    struct coh_cluster *cluster, int number, enum cohort_reason reason)
{
    struct cohort_worker *member;

    TAILQ_FOREACH (member, &cluster->members, link) {
        coh_member_kill(member, number, reason);
    }
}

void
coh_cluster_forget(struct coh_cluster *cluster)
{
    struct cohort_worker *member;
    struct coh_site *site;

    TAILQ_FOREACH (member, &cluster->members, link) {
        coh_member_forget(member);
    }
    TAILQ_FOREACH (site, &cluster->sites, link) {
        if (site->udp >= 0) {
            close(site->udp);
        } else {
            coh_interval_forget(&site->acceptor.interval);
            coh_rotation_abandon(&site->rotation);
        }
        coh_site_turns_forget(site);
    }
    coh_cluster_secrets_forget(cluster);
}

struct cohort_worker *
coh_cluster_member(struct coh_cluster *cluster, uint64_t id)
{
    struct cohort_worker *member;

    TAILQ_FOREACH (member, &cluster->members, link) {
        if (member->id == id) {
            return member;
        }
    }
    return NULL;
}

/* --- the end of all ------------------------------------------------------- */

int
coh_cluster_disconnect(
    struct coh_cluster *cluster,
    void (*on_done)(struct cohort_primary *owner, void *user), void *user)
{
    struct coh_cluster_wait *wait = malloc(sizeof(*wait));
    struct cohort_worker *member;

    if (wait == NULL) {
        return -ENOMEM;
    }
    *wait = (struct coh_cluster_wait){.on_done = on_done, .user = user};
    STAILQ_INSERT_TAIL(&cluster->waits, wait, link);
    TAILQ_FOREACH (member, &cluster->members, link) {
        coh_member_disconnect(member, 0);
    }
    coh_cluster_tell_later(cluster);
    return 0;
}

static void
call_waits(struct coh_cluster *cluster)
{
    struct coh_cluster_wait *wait;

    while (cluster->member_count == 0 &&
           (wait = STAILQ_FIRST(&cluster->waits)) != NULL) {
        STAILQ_REMOVE_HEAD(&cluster->waits, link);
        if (wait->on_done != NULL) {
            wait->on_done(cluster->owner, wait->user);
        }
        free(wait);
    }
}

static void
reap(struct coh_cluster *cluster)
{
    struct cohort_worker *member = TAILQ_FIRST(&cluster->dead);

    while (member != NULL) {
        struct cohort_worker *next = TAILQ_NEXT(member, link);

        if (member->event_count == 0) {
            TAILQ_REMOVE(&cluster->dead, member, link);
            coh_outbox_call(&member->outbox); /* disconnect may be lost */
            coh_member_destroy(member);
        }
        member = next;
    }
}

void
coh_cluster_settle(struct coh_cluster *cluster)
{
    reap(cluster);
    if (cluster->member_count == 0) {
        coh_cluster_secrets_rest(cluster);
    }
    call_waits(cluster);
    if (cluster->on_settled != NULL) {
        cluster->on_settled(cluster);
    }
}
