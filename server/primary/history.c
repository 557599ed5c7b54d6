/* Events as frames, in a ring. */
#include "server/primary/history.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cohort/cluster.h>

#include "core/clock.h"

static const char *const names[] = {
    [COH_EVENT_FORK] = "fork",
    [COH_EVENT_ONLINE] = "online",
    [COH_EVENT_DISCONNECT] = "disconnect",
    [COH_EVENT_EXIT] = "exit",
    [COH_EVENT_CRASH_LOOP] = "crash_loop",
    [COH_EVENT_ACCEPT_PAUSED] = "accept_paused",
    [COH_EVENT_ACCEPT_RESUMED] = "accept_resumed",
    [COH_EVENT_RELOAD_BEGIN] = "reload_begin",
    [COH_EVENT_RELOAD_DONE] = "reload_done",
    [COH_EVENT_RELOAD_FAILED] = "reload_failed",
    [COH_EVENT_TEMPLATE_LOST] = "template_lost",
    [COH_EVENT_TEMPLATE_REPAIRED] = "template_repaired",
    [COH_EVENT_TEMPLATE_MISSING] = "template_missing",
};

static void
describe_exit(struct coh_frame_event *frame, const struct coh_event *event)
{
    frame->is_exit = 1;
    frame->code = event->how.is_signal ? -1 : event->how.number;
    frame->signal = event->how.is_signal ? event->how.number : 0;
    if (event->kind == COH_EVENT_EXIT) {
        frame->is_wanted = event->reason != COHORT_REASON_SELF &&
            event->reason != COHORT_REASON_CRASH &&
            event->reason != COHORT_REASON_STUCK;
        snprintf(
            frame->reason, sizeof(frame->reason), "%s",
            cohort_reason_name(event->reason));
    }
}

static void
describe(struct coh_frame_event *frame, const struct coh_event *event)
{
    frame->time_ms = coh_realtime_ms();
    frame->generation = event->generation;
    frame->worker_id = event->worker_id;
    frame->delay_ms = event->delay_ms;
    frame->pid = event->pid;
    snprintf(frame->name, sizeof(frame->name), "%s", names[event->kind]);
    if (event->kind == COH_EVENT_EXIT ||
        event->kind == COH_EVENT_TEMPLATE_LOST) {
        describe_exit(frame, event);
    }
}

const struct coh_recorded *
coh_history_add(struct coh_history *history, const struct coh_event *event)
{
    size_t text_size =
        event->text ? strnlen(event->text, COH_HISTORY_TEXT_MAX) : 0;
    struct coh_recorded **place =
        &history->ring[++history->last % COH_HISTORY_COUNT];

    free(*place);
    *place = calloc(1, sizeof(**place) + text_size);
    if (!*place) {
        return NULL;
    }
    (*place)->size = sizeof((*place)->frame) + text_size;
    (*place)->frame.number = history->last;
    describe(&(*place)->frame, event);
    if (text_size > 0) {
        memcpy(&(*place)->frame + 1, event->text, text_size);
    }
    return *place;
}

const struct coh_recorded *
coh_history_get(const struct coh_history *history, uint64_t number)
{
    const struct coh_recorded *recorded =
        history->ring[number % COH_HISTORY_COUNT];

    return recorded && recorded->frame.number == number ? recorded : NULL;
}

void
coh_history_fini(struct coh_history *history)
{
    for (size_t i = 0; i < COH_HISTORY_COUNT; i++) {
        free(history->ring[i]);
    }
    *history = (struct coh_history){0};
}
