/* Waiting questions: each verb has a function that tells when it is time. */
#include "server/primary/pending.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/primary/asker.h"
#include "server/primary/generation.h"
#include "server/primary/target.h"

/* So long may workers take until they serve. */
#define LIMIT_MS 60000

struct coh_pending {
    TAILQ_ENTRY(coh_pending) link;
    struct coh_asker *asker;
    struct coh_frame_ask ask;
    uint32_t value;
    bool is_begun; /* a reload that began after the question */
    struct event deadline;
};

/* --- answers -------------------------------------------------------------- */

static void
forget(struct coh_pending *pending)
{
    struct coh_asker *asker = pending->asker;

    event_del(&pending->deadline);
    TAILQ_REMOVE(&asker->primary->pendings.list, pending, link);
    asker->pending_count--;
    free(pending);
}

static void
answer(struct coh_pending *pending, int result, const char *text)
{
    struct coh_asker *asker = pending->asker;
    const struct coh_frame_ask ask = pending->ask;
    const struct coh_frame_outcome outcome = {
        .number = ask.number,
        .result = result,
        .value = pending->value,
    };

    forget(pending);
    asker->on_outcome(asker, &ask, &outcome, text);
}

static void
on_deadline(evutil_socket_t fd, short what, void *user)
{
    (void)fd;
    (void)what;
    answer(user, -ETIMEDOUT, "its workers do not serve after a minute");
}

int
coh_pending_add(
    struct coh_asker *asker, const struct coh_frame_ask *ask, uint32_t value)
{
    static const struct timeval limit = {.tv_sec = LIMIT_MS / 1000};
    struct coh_pending *pending;

    if (asker->pending_count == COH_PENDING_MAX) {
        return -ENOBUFS;
    }
    pending = calloc(1, sizeof(*pending));
    if (!pending) {
        return -ENOMEM;
    }
    pending->asker = asker;
    pending->ask = *ask;
    pending->value = value;
    event_assign(
        &pending->deadline, asker->primary->loop.base, -1, 0, on_deadline,
        pending);
    if (ask->verb == COH_ASK_SCALE || ask->verb == COH_ASK_GROW ||
        ask->verb == COH_ASK_REPLACE) {
        event_add(&pending->deadline, &limit);
    }
    TAILQ_INSERT_TAIL(&asker->primary->pendings.list, pending, link);
    asker->pending_count++;
    return 0;
}

/* --- workers -------------------------------------------------------------- */

static void
look_at_scale(struct coh_pending *pending)
{
    struct coh_primary *primary = pending->asker->primary;
    struct coh_target_size size;
    char text[64];

    if (!primary->current) {
        answer(pending, -EAGAIN, "the server is about to leave");
    } else if (coh_target_size(primary, pending->ask.group, &size) < 0) {
        answer(pending, -EAGAIN, "a reload has left its group out");
    } else if (coh_target_has_settled(primary, pending->ask.group)) {
        snprintf(
            text, sizeof(text), "%u %s", size.target,
            size.target == 1 ? "worker serves" : "workers serve");
        answer(pending, 0, text);
    }
}

static void
look_at_replace(struct coh_pending *pending)
{
    struct coh_primary *primary = pending->asker->primary;
    struct coh_target target;

    if (!coh_target_find(primary, pending->value, &target)) {
        answer(pending, -EIO, "the worker that was to follow has ended");
    } else if (coh_target_serves(&target)) {
        answer(pending, 0, NULL);
    }
}

/* A server that leaves drops what it was loading, and begins nothing. */
static bool
is_given_up(const struct coh_pending *pending)
{
    return pending->asker->primary->state >= COH_PRIMARY_QUITTING &&
        (pending->ask.verb == COH_ASK_RELOAD ||
         pending->ask.verb == COH_ASK_UPGRADE);
}

void
coh_pending_look(struct coh_primary *primary)
{
    struct coh_pending *pending = TAILQ_FIRST(&primary->pendings.list);

    while (pending) {
        struct coh_pending *after = TAILQ_NEXT(pending, link);

        if (is_given_up(pending)) {
            answer(pending, -EAGAIN, "the server leaves");
        } else if (pending->ask.verb == COH_ASK_REPLACE) {
            look_at_replace(pending);
        } else if (
            pending->ask.verb == COH_ASK_SCALE ||
            pending->ask.verb == COH_ASK_GROW) {
            look_at_scale(pending);
        }
        pending = after;
    }
}

/* --- reloads -------------------------------------------------------------- */

static int
verdict(const struct coh_event *event)
{
    if (event->kind == COH_EVENT_RELOAD_DONE) {
        return 0;
    }
    return event->report ? -EINVAL : -EIO;
}

/* A reload that was under way when the question came is another one's. */
static void
look_at_reload(struct coh_pending *pending, const struct coh_event *event)
{
    if (pending->ask.verb != COH_ASK_RELOAD) {
        return;
    }
    if (event->kind == COH_EVENT_RELOAD_BEGIN) {
        pending->is_begun = true;
    } else if (pending->is_begun) {
        pending->value = (uint32_t)event->generation;
        answer(
            pending, verdict(event),
            event->report ? event->report : event->text);
    }
}

static void
look_at_upgrade(struct coh_pending *pending, const struct coh_event *event)
{
    if (pending->ask.verb != COH_ASK_UPGRADE) {
        return;
    }
    if (event->kind == COH_EVENT_UPGRADE_READY) {
        pending->value = (uint32_t)event->pid;
        answer(pending, 0, event->text);
    } else if (event->kind == COH_EVENT_UPGRADE_FAILED) {
        answer(
            pending, event->report ? -EINVAL : -EIO,
            event->report ? event->report : event->text);
    }
}

static bool
is_about_reload(const struct coh_event *event)
{
    return event->kind == COH_EVENT_RELOAD_BEGIN ||
        event->kind == COH_EVENT_RELOAD_DONE ||
        event->kind == COH_EVENT_RELOAD_FAILED;
}

static bool
is_about_upgrade(const struct coh_event *event)
{
    return event->kind == COH_EVENT_UPGRADE_READY ||
        event->kind == COH_EVENT_UPGRADE_FAILED;
}

static void
on_event(void *user, const struct coh_event *event)
{
    struct coh_primary *primary = user;
    struct coh_pending *pending = TAILQ_FIRST(&primary->pendings.list);

    if (!is_about_reload(event) && !is_about_upgrade(event)) {
        coh_pending_look(primary);
        return;
    }
    while (pending) {
        struct coh_pending *after = TAILQ_NEXT(pending, link);

        (is_about_reload(event) ? look_at_reload : look_at_upgrade)(
            pending, event);
        pending = after;
    }
}

/* --- beginning and end ---------------------------------------------------- */

void
coh_pending_init(struct coh_primary *primary)
{
    struct coh_pendings *pendings = &primary->pendings;

    TAILQ_INIT(&pendings->list);
    pendings->reader =
        (struct coh_event_reader){.on_event = on_event, .user = primary};
    STAILQ_INSERT_TAIL(&primary->readers, &pendings->reader, link);
}

void
coh_pending_end(struct coh_primary *primary)
{
    struct coh_pending *pending;

    while ((pending = TAILQ_FIRST(&primary->pendings.list)) != NULL) {
        bool is_leaving = pending->ask.verb == COH_ASK_QUIT ||
            pending->ask.verb == COH_ASK_STOP;

        if (is_leaving) {
            answer(pending, 0, "all workers are gone");
        } else {
            answer(pending, -EAGAIN, "the server leaves");
        }
    }
}

void
coh_pending_drop(struct coh_asker *asker)
{
    struct coh_pending *pending = TAILQ_FIRST(&asker->primary->pendings.list);

    while (pending) {
        struct coh_pending *after = TAILQ_NEXT(pending, link);

        if (pending->asker == asker) {
            forget(pending);
        }
        pending = after;
    }
}
