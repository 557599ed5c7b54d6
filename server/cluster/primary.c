/* The C API of a primary: its life, its settings, its workers as a table. */
#include "server/cluster/primary.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "server/cluster/member.h"
#include "server/process/spawn.h"

/* --- policies ------------------------------------------------------------- */

enum cohort_policy
cohort_policy_from_environment(void)
{
    static const struct {
        const char *name;
        enum cohort_policy policy;
    } names[] = {
        {"rr", COHORT_POLICY_ROUND_ROBIN},
        {"none", COHORT_POLICY_SHARED},
        {"round_robin", COHORT_POLICY_ROUND_ROBIN},
        {"least_conn", COHORT_POLICY_LEAST_CONN},
        {"shared", COHORT_POLICY_SHARED},
        {"reuseport", COHORT_POLICY_REUSEPORT},
    };
    const char *value = getenv("COHORT_SCHED_POLICY");

    for (size_t i = 0; value != NULL && i < sizeof(names) / sizeof(names[0]);
         i++) {
        if (strcmp(value, names[i].name) == 0) {
            return names[i].policy;
        }
    }
    return COHORT_POLICY_DEFAULT;
}

int
cohort_primary_set_policy(
    struct cohort_primary *primary, enum cohort_policy policy)
{
    return coh_cluster_set_policy(&primary->cluster, policy);
}

enum cohort_policy
cohort_primary_policy(const struct cohort_primary *primary)
{
    return primary->cluster.policy;
}

/* --- life ----------------------------------------------------------------- */

/* A loop of our own ends when nobody is left. */
static void
on_settled(struct coh_cluster *cluster)
{
    struct cohort_primary *primary = cluster->owner;

    if (primary->is_running && cluster->member_count == 0 &&
        STAILQ_EMPTY(&cluster->events.queue)) {
        cohort_primary_stop(primary);
    }
}

static int
init(struct cohort_primary *primary, struct event_base *base)
{
    struct coh_cluster *cluster = &primary->cluster;
    int result = 0;

    if (base != NULL) {
        coh_loop_adopt(&primary->loop, base, NULL);
    } else {
        result = coh_loop_init(&primary->loop, NULL);
    }
    if (result < 0) {
        return result;
    }
    coh_listeners_init(&primary->sockets, coh_log_stderr());
    STAILQ_INIT(&primary->listeners);
    cluster->loop = &primary->loop;
    cluster->log = coh_log_stderr();
    cluster->listeners = &primary->sockets;
    cluster->last_id = &primary->last_id;
    cluster->owner = primary;
    cluster->on_settled = on_settled;
    cluster->watchdog = &primary->watchdog;
    coh_watchdog_init(&primary->watchdog, &primary->loop);
    coh_cluster_init(cluster);
    primary->reader.on_event = coh_listeners_tell;
    primary->reader.user = primary;
    STAILQ_INSERT_TAIL(&cluster->events.readers, &primary->reader, link);
    return coh_spawn_init();
}

struct cohort_primary *
cohort_primary_new(struct event_base *base)
{
    struct cohort_primary *primary;
    int result;

    if (cohort_is_worker()) {
        errno = EPERM;
        return NULL;
    }
    primary = calloc(1, sizeof(*primary));
    if (primary == NULL) {
        return NULL;
    }
    result = init(primary, base);
    if (result < 0) {
        cohort_primary_free(primary);
        errno = -result;
        return NULL;
    }
    return primary;
}

void
cohort_primary_free(struct cohort_primary *primary)
{
    if (primary == NULL) {
        return;
    }
    if (primary->loop.base != NULL) {
        coh_cluster_fini(&primary->cluster);
        coh_watchdog_fini(&primary->watchdog);
        coh_listeners_free(&primary->listeners);
        coh_listeners_fini(&primary->sockets, true);
        coh_loop_fini(&primary->loop);
    }
    free(primary);
}

int
cohort_primary_run(struct cohort_primary *primary)
{
    int result;

    primary->is_running = true;
    coh_cluster_tell_later(&primary->cluster);
    if (primary->loop.is_adopted) {
        result =
            event_base_loop(primary->loop.base, EVLOOP_NO_EXIT_ON_EMPTY) < 0
            ? -EIO
            : 0;
    } else {
        result = coh_loop_run(&primary->loop);
    }
    primary->is_running = false;
    return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

void
cohort_primary_stop(struct cohort_primary *primary)
{
    coh_loop_stop(&primary->loop);
}

struct event_base *
cohort_primary_event_base(struct cohort_primary *primary)
{
    return primary->loop.base;
}

struct cohort_log *
cohort_primary_log(struct cohort_primary *primary)
{
    return primary->cluster.log;
}

/* --- settings and workers ------------------------------------------------- */

int
cohort_primary_setup(
    struct cohort_primary *primary, const struct cohort_settings *settings)
{
    static const struct cohort_settings nothing;

    return coh_cluster_setup(
        &primary->cluster, settings != NULL ? settings : &nothing);
}

const struct cohort_settings *
cohort_primary_settings(const struct cohort_primary *primary)
{
    static const struct cohort_settings nothing;

    return primary->cluster.settings != NULL ? &primary->cluster.settings->shown
                                             : &nothing;
}

int
cohort_fork(
    struct cohort_primary *primary, const char *const *environment,
    struct cohort_worker **worker)
{
    return coh_cluster_fork(&primary->cluster, environment, worker);
}

struct cohort_worker *
cohort_worker_first(struct cohort_primary *primary)
{
    return TAILQ_FIRST(&primary->cluster.members);
}

struct cohort_worker *
cohort_worker_next(struct cohort_worker *worker)
{
    return worker->state == COHORT_WORKER_DEAD ? NULL
                                               : TAILQ_NEXT(worker, link);
}

struct cohort_worker *
cohort_worker_of_id(struct cohort_primary *primary, unsigned id)
{
    return coh_cluster_member(&primary->cluster, id);
}

unsigned
cohort_worker_count(const struct cohort_primary *primary)
{
    return primary->cluster.member_count;
}

int
cohort_primary_disconnect(
    struct cohort_primary *primary,
    void (*on_done)(struct cohort_primary *primary, void *user), void *user)
{
    return coh_cluster_disconnect(&primary->cluster, on_done, user);
}

/* --- events --------------------------------------------------------------- */

int
cohort_primary_listen(
    struct cohort_primary *primary, const struct cohort_events *events,
    void *user)
{
    return coh_listeners_add(&primary->listeners, events, user);
}

void
cohort_primary_unlisten(
    struct cohort_primary *primary, const struct cohort_events *events,
    void *user)
{
    coh_listeners_remove(&primary->listeners, events, user);
}

int
cohort_worker_listen(
    struct cohort_worker *worker, const struct cohort_events *events,
    void *user)
{
    struct coh_listener_sets *sets = coh_listeners_of(worker, true);

    return sets != NULL ? coh_listeners_add(sets, events, user) : -ENOMEM;
}

void
cohort_worker_unlisten(
    struct cohort_worker *worker, const struct cohort_events *events,
    void *user)
{
    struct coh_listener_sets *sets = coh_listeners_of(worker, false);

    if (sets != NULL) {
        coh_listeners_remove(sets, events, user);
    }
}
