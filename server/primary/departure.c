/* How the primary ends: announced, gently, or at once. */
#include "server/primary/departure.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "core/clock.h"
#include "core/event.h"
#include "server/primary/generation.h"
#include "server/primary/groups/groups.h"
#include "server/primary/pending.h"
#include "server/primary/primary.h"
#include "server/primary/reload.h"
#include "server/primary/retire.h"

#define STOP_LIMIT_MS 800  /* then workers are killed */
#define STOP_WHOLE_MS 950  /* then the admin helper is, too */
#define ANSWERS_MS 500     /* for its last answers, if there is time */
#define ANSWERS_MIN_MS 100 /* if there is none */

/* --- time is over --------------------------------------------------------- */

static void
end_all(struct coh_primary *primary, int number)
{
    struct coh_generation *generation;
    struct coh_generation *after;

    coh_groups_end(primary, number);
    for (generation = TAILQ_FIRST(&primary->generations); generation;
         generation = after) {
        after = TAILQ_NEXT(generation, link);
        coh_retire_at_once(generation, number);
    }
}

static void
on_stop_deadline(evutil_socket_t fd, short what, void *user)
{
    (void)fd;
    (void)what;
    end_all(user, SIGKILL);
}

static void
on_time(evutil_socket_t fd, short what, void *user)
{
    (void)fd;
    (void)what;
    coh_primary_quit(user);
}

void
coh_departure_init(struct coh_primary *primary)
{
    event_assign(
        &primary->departure.timer, primary->loop.base, -1, 0, on_time, primary);
    event_assign(
        &primary->departure.stop_deadline, primary->loop.base, -1, 0,
        on_stop_deadline, primary);
}

void
coh_departure_fini(struct coh_primary *primary)
{
    event_del(&primary->departure.timer);
    event_del(&primary->departure.stop_deadline);
}

uint64_t
coh_departure_rest_ms(const struct coh_primary *primary)
{
    uint64_t began_ms = primary->departure.stop_began_ms;
    uint64_t took_ms = began_ms > 0 ? coh_monotonic_ms() - began_ms : 0;

    if (took_ms + ANSWERS_MS <= STOP_WHOLE_MS) {
        return ANSWERS_MS;
    }
    return took_ms + ANSWERS_MIN_MS < STOP_WHOLE_MS ? STOP_WHOLE_MS - took_ms
                                                    : ANSWERS_MIN_MS;
}

void
coh_departure_end(struct coh_primary *primary)
{
    primary->departure.is_announced = true;
    event_del(&primary->departure.timer);
}

void
coh_primary_quit_after(struct coh_primary *primary, uint64_t not_ready_ms)
{
    struct coh_event event = {.kind = COH_EVENT_LEAVING};
    char text[96];

    if (primary->state != COH_PRIMARY_SERVING || not_ready_ms == 0) {
        coh_primary_quit(primary);
        return;
    }
    snprintf(
        text, sizeof(text),
        "quitting in %" PRIu64 " ms: until then not ready, but serving",
        not_ready_ms);
    primary->departure.is_announced = true;
    event.text = text;
    coh_event_tell(&primary->readers, &event);
    coh_event_add_ms(&primary->departure.timer, not_ready_ms);
}

/* --- gently, or at once --------------------------------------------------- */

static void
tell_leaving(struct coh_primary *primary, const char *text)
{
    const struct coh_event event = {.kind = COH_EVENT_LEAVING, .text = text};

    coh_event_tell(&primary->readers, &event);
}

void
coh_primary_quit(struct coh_primary *primary)
{
    struct coh_generation *current = primary->current;

    if (primary->state >= COH_PRIMARY_QUITTING) {
        return;
    }
    tell_leaving(primary, "quitting: finishing all requests");
    if (primary->state == COH_PRIMARY_STARTING) {
        coh_primary_give_verdict(primary, 1);
    }
    primary->state = COH_PRIMARY_QUITTING;
    coh_upgrade_leave(&primary->upgrade);
    coh_departure_end(primary);
    coh_reload_cancel(primary);
    coh_groups_quit(primary);
    primary->current = NULL;
    coh_pending_look(primary);
    if (current) {
        primary->departure.is_graceful =
            current->settings.transition.is_term_graceful;
        coh_retire(current, NULL);
    }
    coh_primary_end_if_alone(primary);
}

void
coh_primary_stop(struct coh_primary *primary)
{
    if (primary->state == COH_PRIMARY_STOPPING) {
        return;
    }
    if (coh_upgrade_take_back(&primary->upgrade)) {
        coh_primary_quit(primary);
        return;
    }
    tell_leaving(primary, "stopping");
    if (primary->state == COH_PRIMARY_STARTING) {
        coh_primary_give_verdict(primary, 1);
    }
    primary->state = COH_PRIMARY_STOPPING;
    primary->departure.stop_began_ms = coh_monotonic_ms();
    coh_upgrade_leave(&primary->upgrade);
    coh_departure_end(primary);
    coh_reload_cancel(primary);
    primary->current = NULL;
    coh_event_add_ms(&primary->departure.stop_deadline, STOP_LIMIT_MS);
    end_all(primary, SIGTERM);
    coh_primary_end_if_alone(primary);
}

void
coh_primary_drain_workers(struct coh_primary *primary)
{
    if (primary->state != COH_PRIMARY_SERVING || !primary->current) {
        return;
    }
    cohort_notice(&primary->log, "draining all workers");
    primary->is_paused = true;
    coh_retire_workers(primary->current);
    coh_groups_drain(primary);
}
