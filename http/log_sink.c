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
    struct timeval after = {
        .tv_sec = (time_t)(sink->flush_ms / 1000),
        .tv_usec = (suseconds_t)(sink->flush_ms % 1000 * 1000),
    };

    event_add(&sink->flush, &after);
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

static void
tell_dropped(struct coh_log_sink *sink, int reason)
{
    uint64_t now_ms = coh_loop_now_ms(sink->loop);

    if (sink->told_ms != 0 && now_ms - sink->told_ms < TELL_MS) {
        return;
    }
    if (reason != 0) {
        cohort_warn(
            sink->log,
            "access log \"%s\" took no more, %llu lines dropped so far: %s",
            sink->path.data, (unsigned long long)sink->dropped,
            strerror(reason));
    } else {
        cohort_warn(
            sink->log,
            "access log \"%s\" is written again, %llu lines were dropped",
            sink->path.data, (unsigned long long)sink->dropped);
    }
    sink->dropped = 0;
    sink->told_ms = now_ms;
}

static void
flush(struct coh_log_sink *sink)
{
    ssize_t taken;
    size_t left;

    if (sink->used == 0) {
        return;
    }
    taken =
        coh_log_fd_write(cohort_file_fd(sink->file), sink->buffer, sink->used);
    left = sink->used - (taken > 0 ? (size_t)taken : 0);
    if (left > 0) {
        sink->dropped += count_lines(sink->buffer + sink->used - left, left);
        tell_dropped(sink, taken < 0 ? (int)-taken : EAGAIN);
    } else if (sink->dropped > 0) {
        tell_dropped(sink, 0);
    }
    sink->used = 0;
    sink->line_count = 0;
    event_del(&sink->flush);
}

void
coh_log_sink_add(struct coh_log_sink *sink, size_t size)
{
    if (sink->used == 0) {
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
start(struct coh_log_sink *sink, struct coh_loop *loop, struct cohort_log *log)
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
    return 0;
}

int
coh_log_sinks_start(
    struct coh_log_sink *sinks, struct coh_loop *loop, struct cohort_log *log)
{
    struct coh_log_sink *sink;

    for (sink = sinks; sink; sink = sink->next) {
        int result = start(sink, loop, log);

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
            event_del(&sink->flush);
            free(sink->buffer);
            sink->buffer = NULL;
        }
    }
}
