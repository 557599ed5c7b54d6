/* Events as frames, in a ring. */
#include "server/primary/history.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cohort/cluster.h>

#include "core/clock.h"

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
    frame->count = event->count;
    frame->message_size = event->message.size;
    frame->pid = event->pid;
    snprintf(
        frame->name, sizeof(frame->name), "%s", coh_event_name(event->kind));
    snprintf(
        frame->group, sizeof(frame->group), "%s",
        event->group ? event->group : "");
    if (event->kind == COH_EVENT_EXIT ||
        event->kind == COH_EVENT_TEMPLATE_LOST) {
        describe_exit(frame, event);
    }
}

/* What stands behind the frame; a message that is cut would be no JSON. */
static struct cohort_str
text_of(const struct coh_event *event, uint32_t *kind)
{
    *kind = COH_EVENT_TEXT_WORDS;
    if (event->kind == COH_EVENT_MESSAGE) {
        *kind = COH_EVENT_TEXT_JSON;
        return event->message.size <= COH_ADMIN_MESSAGE_TOLD
            ? event->message
            : cohort_str_n("", 0);
    }
    if (event->kind == COH_EVENT_LISTENING) {
        *kind = COH_EVENT_TEXT_ADDRESS;
    }
    return cohort_str_n(
        event->text,
        event->text ? strnlen(event->text, COH_HISTORY_TEXT_MAX) : 0);
}

static void
forget_first(struct coh_history *history)
{
    struct coh_recorded **place =
        &history->ring[history->first++ % COH_HISTORY_COUNT];

    if (*place) {
        history->bytes -= (*place)->size;
        free(*place);
        *place = NULL;
    }
}

/* Room for one more of that number and size. */
static void
make_room(struct coh_history *history, uint64_t number, size_t size)
{
    while (history->first <= history->last &&
           (number - history->first >= COH_HISTORY_COUNT ||
            history->bytes + size > COH_HISTORY_BYTES)) {
        forget_first(history);
    }
    if (history->first == 0 || history->first > history->last) {
        history->first = number;
    }
}

const struct coh_recorded *
coh_history_add(
    struct coh_history *history, uint64_t number, const struct coh_event *event)
{
    uint32_t kind;
    struct cohort_str text = text_of(event, &kind);
    size_t size = sizeof(struct coh_frame_event) + text.size;
    struct coh_recorded *made = calloc(1, sizeof(*made) + text.size);

    make_room(history, number, size);
    history->last = number;
    if (!made) {
        return NULL;
    }
    history->ring[history->last % COH_HISTORY_COUNT] = made;
    history->bytes += size;
    made->size = size;
    made->frame.number = history->last;
    made->frame.text_kind = kind;
    describe(&made->frame, event);
    if (text.size > 0) {
        memcpy(&made->frame + 1, text.data, text.size);
    }
    return made;
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
