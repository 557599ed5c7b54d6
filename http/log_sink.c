/* A file that lines go to. */
#include "http/log_sink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "core/check.h"
#include "core/event.h"
#include "core/log.h"

#define TELL_MS 60000

static void
wait_for_flush(struct coh_log_sink *sink)
{
    coh_event_add_ms(&sink->flush, sink->flush_ms);
}

static uint64_t
count_lines(const char *data, size_t size)
{
    const char *end = data + size;
    uint64_t count = 0;

    while (data < end) {
        const char *newline = memchr(data, '\n', (size_t)(end - data));

        if (!newline) {
            break;
        }
        count++;
        data = newline + 1;
    }
    return count;
}

static bool
may_tell(const struct coh_log_sink *sink)
{
    return sink->told_ms == 0 ||
        coh_loop_now_ms(sink->loop) - sink->told_ms >= TELL_MS;
}

static void
tell_failure(struct coh_log_sink *sink, const char *reason)
{
    cohort_warn(
        sink->log,
        "access log \"%s\" took no more, %llu lines dropped so far: %s",
        sink->path.data, (unsigned long long)sink->dropped, reason);
    sink->told_ms = coh_loop_now_ms(sink->loop);
    sink->is_failure_told = true;
}

static void
tell_end(struct coh_log_sink *sink, const char *what)
{
    cohort_warn(
        sink->log, "access log \"%s\" %s, %llu lines were dropped",
        sink->path.data, what, (unsigned long long)sink->dropped);
    sink->told_ms = coh_loop_now_ms(sink->loop);
    sink->is_failure_told = false;
    sink->dropped = 0;
}

/* The file took fewer bytes than there are; what is left is gone. */
static void
drop(struct coh_log_sink *sink, ssize_t taken)
{
    size_t kept = taken > 0 ? (size_t)taken : sink->is_cut;
    uint64_t count = count_lines(sink->buffer + kept, sink->used - kept);

    sink->dropped += count;
    *sink->dropped_total += count;
    if (may_tell(sink)) {
        tell_failure(sink, taken < 0 ? strerror((int)-taken) : "no room");
    }
    if (taken > 0) {
        sink->is_cut = sink->buffer[taken - 1] != '\n';
    }
}

static void
flush(struct coh_log_sink *sink)
{
    ssize_t taken;

    if (sink->line_count == 0) {
        return;
    }
    taken =
        coh_log_fd_write(cohort_file_fd(sink->file), sink->buffer, sink->used);
    if (taken < (ssize_t)sink->used) {
        drop(sink, taken);
    } else {
        sink->is_cut = false;
        if (sink->dropped > 0 && (sink->is_failure_told || may_tell(sink))) {
            tell_end(sink, "is written again");
        }
    }
    /* A line that was cut is ended by what is written next. */
    sink->buffer[0] = '\n';
    sink->used = sink->is_cut;
    sink->line_count = 0;
    event_del(&sink->flush);
}

void
coh_log_sink_add(struct coh_log_sink *sink, size_t size)
{
    if (sink->line_count == 0) {
        wait_for_flush(sink);
    }
    sink->used += size;
    sink->line_count++;
    if (sink->used >= sink->buffer_size) {
        flush(sink);
    }
}

/* --- all of a configuration ----------------------------------------------- */

int
coh_log_sinks_load(struct coh_log_sink *sinks, struct cohort_load *load)
{
    struct coh_log_sink *sink;

    for (sink = sinks; sink; sink = sink->next) {
        int result = cohort_load_file(load, sink->path.data, &sink->file);

        if (result < 0) {
            return result;
        }
    }
    return 0;
}

static void
on_flush(evutil_socket_t fd, short what, void *user)
{
    (void)fd;
    (void)what;
    flush(user);
}

static int
start(
    struct coh_log_sink *sink, struct coh_loop *loop, struct cohort_log *log,
    uint64_t *dropped_total)
{
    size_t size = sink->buffer_size + COH_LOG_SINK_LINE_MAX;

    if (event_assign(&sink->flush, loop->base, -1, 0, on_flush, sink) < 0) {
        cohort_error(
            log, "cannot make the timer of log \"%s\"", sink->path.data);
        return -EINVAL;
    }
    sink->buffer = malloc(size);
    if (!sink->buffer) {
        coh_die_memory(size);
    }
    sink->loop = loop;
    sink->log = log;
    sink->dropped_total = dropped_total;
    return 0;
}

int
coh_log_sinks_start(
    struct coh_log_sink *sinks, struct coh_loop *loop, struct cohort_log *log,
    uint64_t *dropped_total)
{
    struct coh_log_sink *sink;

    for (sink = sinks; sink; sink = sink->next) {
        int result = start(sink, loop, log, dropped_total);

        if (result < 0) {
            return result;
        }
    }
    return 0;
}

void
coh_log_sinks_flush(struct coh_log_sink *sinks)
{
    struct coh_log_sink *sink;

    for (sink = sinks; sink; sink = sink->next) {
        flush(sink);
    }
}

void
coh_log_sinks_stop(struct coh_log_sink *sinks)
{
    struct coh_log_sink *sink;

    for (sink = sinks; sink; sink = sink->next) {
        if (sink->buffer) {
            flush(sink);
            if (sink->dropped > 0) {
                tell_end(sink, "is left");
            }
            event_del(&sink->flush);
            free(sink->buffer);
            sink->buffer = NULL;
        }
    }
}
