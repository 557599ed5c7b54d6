/* Asking the admin helper for signs of life, and ending it without one. */
#include "server/primary/helper_watch.h"

#include <signal.h>
#include <stddef.h>

#include "core/event.h"
#include "server/primary/helper.h"
#include "server/primary/primary.h"
#include "server/process/frames.h"

/* How often it is asked within the limit, and how seldom at most. */
#define ASKED_PER_LIMIT 4
#define ASK_MAX_MS 2500

/* --- what the watchdog does to it ----------------------------------------- */

static struct coh_helper *
helper_of(const struct coh_watched *watched)
{
    size_t offset = offsetof(struct coh_helper, watch) +
        offsetof(struct coh_helper_watch, watched);

    return (struct coh_helper *)((uintptr_t)watched - offset);
}

static uint64_t
owes_since(const struct coh_watched *watched, uint64_t now_ms)
{
    (void)now_ms;
    return helper_of(watched)->watch.asked_ms;
}

/* It gets nothing from the watchdog's side, and nobody can stand beside it. */
static void
isolate(struct coh_watched *watched)
{
    (void)watched;
}

static void
tell(struct coh_watched *watched, const char *why)
{
    struct coh_helper *helper = helper_of(watched);

    cohort_alert(
        &helper->primary->log, "the admin helper (process %d) is stuck: %s",
        (int)helper->child.pid, why);
}

/* Its place is free when it is gone. One that is stopped has been found at
   once, and has its time yet; one that is traced is left. */
static void
make_room(struct coh_watched *watched)
{
    struct coh_helper *helper = helper_of(watched);
    bool is_halted = watched->halted_ms != 0;

    if (!is_halted ||
        (watched->state == 'T' &&
         coh_monotonic_ms() - watched->halted_ms >= watched->limit_ms)) {
        coh_child_signal(&helper->child, SIGKILL);
    }
}

static void
on_recovered(struct coh_watched *watched)
{
    struct coh_helper *helper = helper_of(watched);

    cohort_notice(
        &helper->primary->log, "the admin helper (process %d) goes on",
        (int)helper->child.pid);
}

static void
signal_it(struct coh_watched *watched, int number)
{
    coh_child_signal(&helper_of(watched)->child, number);
}

static const struct coh_watched_actions actions = {
    .ignored_since = owes_since,
    .isolate = isolate,
    .tell = tell,
    .replace = make_room,
    .recovered = on_recovered,
    .signal = signal_it,
};

/* --- asking --------------------------------------------------------------- */

static void
ask_later(struct coh_helper *helper)
{
    uint64_t delay_ms = helper->watch.limit_ms / ASKED_PER_LIMIT;

    if (helper->watch.limit_ms > 0) {
        coh_event_add_ms(
            &helper->watch.ask, delay_ms < ASK_MAX_MS ? delay_ms : ASK_MAX_MS);
    }
}

static void
on_ask(evutil_socket_t fd, short what, void *user)
{
    struct coh_helper *helper = user;

    (void)fd;
    (void)what;
    helper->watch.asked_ms = coh_monotonic_ms();
    if (coh_channel_send(&helper->channel, COH_FRAME_PING, NULL, 0) < 0) {
        coh_child_signal(&helper->child, SIGKILL); /* it has stopped reading */
    }
}

/* --- its life ------------------------------------------------------------- */

static void
watch(struct coh_helper *helper)
{
    struct coh_helper_watch *watch = &helper->watch;

    coh_watchdog_remove(&watch->watched);
    watch->watched = (struct coh_watched){
        .actions = &actions,
        .limit_ms = watch->has_spoken ? watch->limit_ms : watch->start_limit_ms,
        .pid = helper->child.pid,
    };
    coh_watchdog_add(&helper->primary->watchdog, &watch->watched);
}

void
coh_helper_watch_init(struct coh_helper *helper)
{
    event_assign(
        &helper->watch.ask, helper->primary->loop.base, -1, 0, on_ask, helper);
}

void
coh_helper_watch_set(
    struct coh_helper *helper, const struct coh_frame_settings *settings)
{
    struct coh_helper_watch *own = &helper->watch;
    uint64_t limit_ms = settings->upkeep.watchdog_ms;
    uint64_t timeout_ms = settings->reload_timeout_ms;

    own->limit_ms = limit_ms;
    own->start_limit_ms =
        limit_ms > 0 && limit_ms < timeout_ms ? timeout_ms : limit_ms;
    if (!helper->is_running || helper->is_leaving || helper->is_ending) {
        return;
    }
    watch(helper);
    event_del(&own->ask);
    if (own->has_spoken && own->asked_ms == 0) {
        ask_later(helper);
    }
}

void
coh_helper_watch_begin(struct coh_helper *helper)
{
    helper->watch.has_spoken = false;
    helper->watch.asked_ms = coh_monotonic_ms(); /* its hello */
    watch(helper);
}

void
coh_helper_watch_heard(struct coh_helper *helper)
{
    bool is_first = !helper->watch.has_spoken;

    if (helper->is_leaving || helper->is_ending) {
        return;
    }
    helper->watch.has_spoken = true;
    helper->watch.asked_ms = 0;
    if (is_first) {
        watch(helper);
    }
    ask_later(helper);
}

void
coh_helper_watch_end(struct coh_helper *helper)
{
    coh_watchdog_remove(&helper->watch.watched);
    event_del(&helper->watch.ask);
}
