/* GET /v1/events: each listener knows the event that it gets next; who is too
   slow is told how many it has missed. Nobody waits for a listener. */
#include "server/admin/events.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cohort/conf.h>
#include <cohort/http.h>

#include "server/admin/internal.h"
#include "server/admin/reply.h"

/* What a message becomes in a line: escapes make it longer. */
#define LINE_MAX (6 * COH_ADMIN_MESSAGE_TOLD + 8 * 1024)

struct coh_event_listener {
    LIST_ENTRY(coh_event_listener) link;
    struct coh_admin_events *events;
    struct cohort_request *request;
    uint64_t next;   /* the number of the event to be sent */
    size_t offset;   /* what has been sent of its line */
    bool is_waiting; /* asked and had nothing */
    char lost[96];   /* a line about events that are gone; "": none */
};

/* --- lines ---------------------------------------------------------------- */

static struct coh_json *
set_exit(struct coh_json *object, const struct coh_frame_event *frame)
{
    object = coh_json_set(
        object, "code",
        frame->code >= 0 ? coh_json_integer(frame->code) : coh_json_null());
    object = coh_set_number_or_null(object, "signal", (uint64_t)frame->signal);
    if (frame->reason[0]) {
        object = coh_set_text(object, "reason", frame->reason);
        object = coh_set_flag(
            object, "exitedAfterDisconnect", frame->is_wanted != 0);
    }
    return object;
}

/* A message is told as the value that it is; one that cannot be held as its
   text; a long one by its size alone. */
static struct coh_json *
set_message(
    struct coh_json *object, const struct coh_frame_event *frame,
    struct cohort_str text)
{
    struct coh_json *value = NULL;
    bool is_held =
        text.size > 0 && coh_json_parse(text, text.size, &value, NULL) == 0;

    object = coh_set_number(object, "size", frame->message_size);
    if (text.size == 0) {
        return object;
    }
    return is_held ? coh_json_set(object, "message", value)
                   : coh_json_set(object, "text", coh_text_json(text));
}

static struct coh_json *
set_text(
    struct coh_json *object, const struct coh_frame_event *frame,
    struct cohort_str text)
{
    if (frame->text_kind == COH_EVENT_TEXT_JSON) {
        return set_message(object, frame, text);
    }
    if (text.size == 0) {
        return object;
    }
    return coh_json_set(
        object, frame->text_kind == COH_EVENT_TEXT_ADDRESS ? "address" : "text",
        coh_text_json(text));
}

/* Members that say nothing are left out. */
static struct coh_json *
make_object(
    const struct coh_frame_event *frame, const char *text, size_t text_size)
{
    struct coh_json *object =
        coh_set_number(coh_json_object(), "seq", frame->number);

    object = coh_set_time(object, "time", frame->time_ms);
    object = coh_set_text(object, "event", frame->name);
    if (frame->worker_id) {
        object = coh_set_number(object, "worker", frame->worker_id);
    }
    if (frame->pid > 0) {
        object = coh_set_number(object, "pid", (uint64_t)frame->pid);
    }
    if (frame->group[0]) {
        object = coh_set_text(object, "group", frame->group);
    }
    if (frame->generation) {
        object = coh_set_number(object, "generation", frame->generation);
    }
    if (frame->is_exit) {
        object = set_exit(object, frame);
    }
    if (frame->delay_ms) {
        object = coh_set_number(object, "delay_ms", frame->delay_ms);
    }
    if (frame->count) {
        object = coh_set_number(object, "count", frame->count);
    }
    return set_text(object, frame, cohort_str_n(text, text_size));
}

/* NULL: no memory, or its text is too long. */
static struct coh_event_line *
make_line(
    const struct coh_frame_event *frame, const char *text, size_t text_size)
{
    struct coh_json *object = make_object(frame, text, text_size);
    char room[LINE_MAX];
    ssize_t size = coh_json_write(object, room, sizeof(room) - 1);
    struct coh_event_line *line = NULL;

    coh_json_free(object);
    if (size > 0) {
        room[size++] = '\n';
        line = malloc(sizeof(*line) + (size_t)size);
    }
    if (line) {
        line->number = frame->number;
        line->size = (size_t)size;
        memcpy(line->text, room, (size_t)size);
    }
    return line;
}

/* --- the ring ------------------------------------------------------------- */

static const struct coh_event_line *
find(const struct coh_admin_events *events, uint64_t number)
{
    const struct coh_event_line *line =
        events->ring[number % COH_ADMIN_EVENTS_KEPT];

    return line && line->number == number ? line : NULL;
}

static void
wake_all(struct coh_admin_events *events)
{
    struct coh_event_listener *listener;

    LIST_FOREACH (listener, &events->listeners, link) {
        if (listener->is_waiting) {
            listener->is_waiting = false;
            cohort_resume(listener->request, COHORT_PASS);
        }
    }
}

void
coh_admin_event(struct coh_admin *admin, const void *data, size_t size)
{
    const struct coh_frame_event *frame = data;
    const char *text = (const char *)(frame + 1);
    size_t text_size = size - sizeof(*frame);
    struct coh_admin_events *events = &admin->events;
    struct coh_event_line **place =
        &events->ring[frame->number % COH_ADMIN_EVENTS_KEPT];

    free(*place);
    *place = make_line(frame, text, text_size);
    if (!*place) {
        *place = make_line(frame, "", 0);
    }
    events->last = frame->number;
    wake_all(events);
}

void
coh_admin_events_end(struct coh_admin_events *events)
{
    events->is_over = true;
    wake_all(events);
}

void
coh_admin_events_fini(struct coh_admin_events *events)
{
    for (size_t i = 0; i < COH_ADMIN_EVENTS_KEPT; i++) {
        free(events->ring[i]);
    }
}

/* --- streams -------------------------------------------------------------- */

/* Events that are no longer kept are told as one line. */
static void
skip_lost(struct coh_event_listener *listener)
{
    const struct coh_admin_events *events = listener->events;
    uint64_t first = listener->next;

    if (listener->offset > 0 || listener->lost[0]) {
        return;
    }
    if (events->last > COH_ADMIN_EVENTS_KEPT &&
        listener->next <= events->last - COH_ADMIN_EVENTS_KEPT) {
        listener->next = events->last - COH_ADMIN_EVENTS_KEPT + 1;
    }
    while (listener->next <= events->last && !find(events, listener->next)) {
        listener->next++;
    }
    if (listener->next > first) {
        snprintf(
            listener->lost, sizeof(listener->lost),
            "{\"event\":\"lost\",\"first\":%" PRIu64 ",\"count\":%" PRIu64
            "}\n",
            first, listener->next - first);
    }
}

/* What is to be sent now. False: nothing. */
static bool
current_line(
    struct coh_event_listener *listener, const char **text, size_t *size)
{
    const struct coh_event_line *line;

    skip_lost(listener);
    if (listener->lost[0]) {
        *text = listener->lost;
        *size = strlen(listener->lost);
        return true;
    }
    line = find(listener->events, listener->next);
    if (line) {
        *text = line->text;
        *size = line->size;
    }
    return line;
}

/* A line that was begun and is overwritten meanwhile cannot be finished. */
static bool
is_broken(const struct coh_event_listener *listener)
{
    return listener->offset > 0 && !listener->lost[0] &&
        !find(listener->events, listener->next);
}

static void
advance(struct coh_event_listener *listener)
{
    listener->offset = 0;
    if (listener->lost[0]) {
        listener->lost[0] = '\0';
    } else {
        listener->next++;
    }
}

static int
on_writable(struct cohort_request *request, size_t room, void *user)
{
    struct coh_event_listener *listener = user;
    const char *text = NULL;
    size_t size = 0;

    while (room > 0) {
        size_t part;

        if (is_broken(listener)) {
            return 500; /* cut, so that it is seen */
        }
        if (!current_line(listener, &text, &size)) {
            listener->is_waiting = true;
            return listener->events->is_over ? COHORT_DONE : COHORT_LATER;
        }
        part = size - listener->offset < room ? size - listener->offset : room;
        if (cohort_write(request, text + listener->offset, part) < 0) {
            return 500;
        }
        room -= part;
        listener->offset += part;
        if (listener->offset == size) {
            advance(listener);
        }
    }
    return COHORT_LATER;
}

static void
on_end(void *object)
{
    struct coh_event_listener *listener = object;

    LIST_REMOVE(listener, link);
    free(listener);
}

/* since=SEQ: those after it. Without it: those that come from now on. */
static int
read_since(const struct cohort_request *request, uint64_t last, uint64_t *next)
{
    struct cohort_str args = cohort_request_args(request);
    uint64_t since = last;

    if (args.size > 0 &&
        (args.size < 6 || memcmp(args.data, "since=", 6) != 0 ||
         cohort_parse_number(
             cohort_str_n(args.data + 6, args.size - 6), UINT64_MAX - 1,
             &since) < 0)) {
        return -EINVAL;
    }
    *next = since + 1;
    return 0;
}

int
coh_events_get(struct coh_admin *admin, struct cohort_request *request)
{
    struct coh_admin_events *events = &admin->events;
    struct coh_event_listener *listener;
    uint64_t next = 0;

    if (read_since(request, events->last, &next) < 0) {
        return coh_reply_error(
            request, 422, "the only argument is since=NUMBER");
    }
    listener = calloc(1, sizeof(*listener));
    if (!listener) {
        return 500;
    }
    listener->events = events;
    listener->request = request;
    listener->next = next;
    LIST_INSERT_HEAD(&events->listeners, listener, link);
    cohort_request_defer(request, on_end, listener);
    return cohort_respond_stream(
        request, 200, "application/x-ndjson", -1, on_writable, listener);
}
