/* A slow look at the workers of a group; the first one over a limit goes, the
   next one not before its successor serves. */
#include "server/primary/recycle.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/event.h"
#include "core/rng.h"
#include "server/primary/vitals.h"

#define MIB (1024.0 * 1024)

static bool
has_limits(const struct coh_upkeep *limits)
{
    return limits->max_rss > 0 || limits->max_requests > 0 ||
        limits->max_age_ms > 0;
}

/* Up to a tenth less, so that those that started together do not end
   together. */
static uint64_t
spread(uint64_t limit)
{
    return limit - (limit < 10 ? 0 : coh_random_u64() % (limit / 10 + 1));
}

const char *
coh_recycle_limit(
    const struct coh_recycled *worker, uint64_t now_ms, uint64_t served,
    uint64_t rss, char *why)
{
    const struct coh_upkeep *limits = &worker->group->limits;
    uint64_t age_ms = now_ms - worker->born_ms;

    if (limits->max_rss > 0 && rss > limits->max_rss) {
        snprintf(
            why, COH_RECYCLE_WHY_MAX,
            "it has %.1f MiB of memory, and max_rss is %.1f MiB",
            (double)rss / MIB, (double)limits->max_rss / MIB);
        return "max_rss";
    }
    if (worker->max_requests > 0 && served >= worker->max_requests) {
        snprintf(
            why, COH_RECYCLE_WHY_MAX,
            "it has served %" PRIu64 " %s, and max_requests is %" PRIu64,
            served,
            worker->group->counts_connections ? "connections" : "requests",
            limits->max_requests);
        return "max_requests";
    }
    if (worker->max_age_ms > 0 && age_ms >= worker->max_age_ms) {
        snprintf(
            why, COH_RECYCLE_WHY_MAX,
            "it is %" PRIu64 " s old, and max_age is %" PRIu64 " s",
            age_ms / 1000, limits->max_age_ms / 1000);
        return "max_age";
    }
    return NULL;
}

static const char *
limit_of(const struct coh_recycled *worker, char *why)
{
    const struct coh_recycle *group = worker->group;
    struct coh_vitals vitals = {0};

    if (group->limits.max_rss > 0) {
        coh_vitals_read(worker->pid, &vitals);
    }
    return coh_recycle_limit(
        worker, coh_monotonic_ms(), group->served ? group->served(worker) : 0,
        vitals.rss, why);
}

static void
look_later(struct coh_recycle *group)
{
    if (has_limits(&group->limits) && !TAILQ_EMPTY(&group->workers) &&
        !event_pending(&group->look, EV_TIMEOUT, NULL)) {
        coh_event_add_ms(&group->look, COH_RECYCLE_LOOK_MS);
    }
}

static void
on_look(evutil_socket_t fd, short what, void *user)
{
    struct coh_recycle *group = user;
    struct coh_recycled *worker = TAILQ_FIRST(&group->workers);
    const char *limit = NULL;
    char why[COH_RECYCLE_WHY_MAX];

    (void)fd;
    (void)what;
    look_later(group);
    if (!group->is_settled(group)) {
        return;
    }
    while (worker && !(limit = limit_of(worker, why))) {
        worker = TAILQ_NEXT(worker, link);
    }
    if (worker) {
        (void)group->replace(worker, limit, why); /* else at the next look */
    }
}

void
coh_recycle_init(struct coh_recycle *group)
{
    TAILQ_INIT(&group->workers);
    event_assign(&group->look, group->loop->base, -1, 0, on_look, group);
}

void
coh_recycle_fini(struct coh_recycle *group)
{
    struct coh_recycled *worker;

    while ((worker = TAILQ_FIRST(&group->workers)) != NULL) {
        coh_recycle_remove(worker);
    }
    event_del(&group->look);
}

void
coh_recycle_add(
    struct coh_recycle *group, struct coh_recycled *worker, pid_t pid,
    uint64_t born_ms)
{
    if (worker->group) {
        return;
    }
    *worker = (struct coh_recycled){
        .group = group,
        .pid = pid,
        .born_ms = born_ms,
        .max_requests = spread(group->limits.max_requests),
        .max_age_ms = spread(group->limits.max_age_ms),
    };
    TAILQ_INSERT_TAIL(&group->workers, worker, link);
    look_later(group);
}

void
coh_recycle_remove(struct coh_recycled *worker)
{
    if (worker->group) {
        TAILQ_REMOVE(&worker->group->workers, worker, link);
        worker->group = NULL;
    }
}
