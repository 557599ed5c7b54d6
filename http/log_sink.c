/* A file that lines go to.
 *
 *   gathering  lines come until there are enough, or the first is old -> flush
 *   waiting    (is_waiting) the file took a part; more lines come behind it,
 *              until the backlog is full, and those after that are dropped
 *              -> flush when the file has room
 */
#include "http/log_sink.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <event2/event.h>

#include "core/check.h"
#include "core/clock.h"
#include "core/event.h"
#include "core/log.h"

#define STOP_MS 200

/* --- writing -------------------------------------------------------------- */

/* As far as the file takes it. 0; -EAGAIN: the rest has to wait; -errno. */
static int
write_out(struct coh_log_sink *sink)
{
    int fd = cohort_file_fd(sink->file);
    ssize_t taken = 1;

    if (sink->must_end_line) {
        taken = coh_log_fd_write(fd, "\n", 1);
        sink->must_end_line = taken <= 0;
    }
    while (taken > 0 && sink->start < sink->used) {
        taken = coh_log_fd_write(
            fd, sink->buffer + sink->start, sink->used - sink->start);
        if (taken > 0) {
            sink->start += (size_t)taken;
            sink->is_cut = sink->buffer[sink->start - 1] != '\n';
        }
    }
    if (taken > 0) {
        return 0;
    }
    return taken < 0 ? (int)taken : -EIO;
}

static void
gather(struct coh_log_sink *sink)
{
    if (sink->is_waiting) {
        event_del(&sink->has_room);
        sink->is_waiting = false;
    }
    event_del(&sink->flush);
    sink->start = 0;
    sink->used = 0;
    sink->mark = sink->buffer_size;
}

/* What is left will never be written. */
static void
drop_rest(struct coh_log_sink *sink, const char *reason)
{
    sink->must_end_line |= sink->is_cut;
    sink->is_cut = false;
    coh_log_loss_add(
        &sink->loss, sink->buffer + sink->start, sink->used - sink->start,
        reason);
    gather(sink);
}

static void flush(struct coh_log_sink *sink);

static void
on_event(evutil_socket_t fd, short what, void *user)
{
    (void)fd;
    (void)what;
    flush(user);
}

/* 0 or -errno. */
static int
wait_for_room(struct coh_log_sink *sink)
{
    if (sink->is_waiting) {
        return 0;
    }
    event_assign(
        &sink->has_room, sink->loop->base, cohort_file_fd(sink->file),
        EV_WRITE | EV_PERSIST, on_event, sink);
    errno = 0;
    if (event_add(&sink->has_room, NULL) < 0) {
        return errno != 0 ? -errno : -ENOMEM;
    }
    event_del(&sink->flush);
    sink->is_waiting = true;
    sink->mark = sink->buffer_size + COH_LOG_SINK_BACKLOG_MAX;
    return 0;
}

static void
flush(struct coh_log_sink *sink)
{
    int result = write_out(sink);

    if (result == -EAGAIN) {
        result = wait_for_room(sink);
        if (result == 0) {
            return;
        }
    }
    if (result < 0) {
        drop_rest(sink, strerror(-result));
        return;
    }
    gather(sink);
    coh_log_loss_end(&sink->loss);
}

/* --- lines ---------------------------------------------------------------- */

/* The backlog is full, behind a line of size bytes. Moving it is worth while
   when a good part has been written: else one that is read slowly would be
   moved for each line. */
static void
make_room(struct coh_log_sink *sink, size_t size)
{
    if (sink->start >= sink->mark / 4) {
        memmove(
            sink->buffer, sink->buffer + sink->start, sink->used - sink->start);
        sink->used -= sink->start;
        sink->start = 0;
    } else {
        sink->used -= size;
        coh_log_loss_add(
            &sink->loss, sink->buffer + sink->used, size,
            "it is not read as fast");
    }
}

void
coh_log_sink_add(struct coh_log_sink *sink, size_t size)
{
    if (sink->used == 0) {
        coh_event_add_ms(&sink->flush, sink->flush_ms);
    }
    sink->used += size;
    if (sink->used < sink->mark) {
        return;
    }
    if (sink->is_waiting) {
        make_room(sink, size);
    } else {
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

static int
start(
    struct coh_log_sink *sink, struct coh_loop *loop, struct cohort_log *log,
    uint64_t *dropped_total)
{
    size_t size =
        sink->buffer_size + COH_LOG_SINK_BACKLOG_MAX + COH_LOG_SINK_LINE_MAX;

    if (event_assign(&sink->flush, loop->base, -1, 0, on_event, sink) < 0) {
        cohort_error(
            log, "cannot make the timer of log \"%s\"", sink->path.data);
        return -EINVAL;
    }
    sink->buffer = malloc(size);
    if (!sink->buffer) {
        coh_die_memory(size);
    }
    sink->mark = sink->buffer_size;
    sink->loop = loop;
    sink->loss.log = log;
    sink->loss.loop = loop;
    sink->loss.path = sink->path;
    sink->loss.total = dropped_total;
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

static void
note_file(struct coh_log_sink *sink)
{
    struct stat status = {0};

    (void)fstat(cohort_file_fd(sink->file), &status);
    sink->device = status.st_dev;
    sink->inode = status.st_ino;
}

/* Another file does not end within a line. */
static void
compare_file(struct coh_log_sink *sink)
{
    dev_t device = sink->device;
    ino_t inode = sink->inode;

    note_file(sink);
    if (sink->device != device || sink->inode != inode) {
        sink->is_cut = false;
        sink->must_end_line = false;
    }
}

/* The number of the descriptor stays: what waits for the old one is told to
   forget it first, and waits for the new one then. */
static void
reopen(struct coh_log_sink *sink, bool is_before)
{
    if (!is_before) {
        compare_file(sink);
    }
    if (sink->used > 0) {
        flush(sink);
    }
    if (is_before) {
        note_file(sink);
    }
    if (is_before && sink->is_waiting) {
        event_del(&sink->has_room);
        sink->is_waiting = false;
    }
}

void
coh_log_sinks_reopen(struct coh_log_sink *sinks, bool is_before)
{
    struct coh_log_sink *sink;

    for (sink = sinks; sink; sink = sink->next) {
        reopen(sink, is_before);
    }
}

/* Who reads it gets a moment for what is there. */
static void
write_last(struct coh_log_sink *sink, uint64_t end_ms)
{
    struct pollfd room = {.fd = cohort_file_fd(sink->file), .events = POLLOUT};
    uint64_t now_ms = coh_monotonic_ms();
    int result = write_out(sink);

    while (result == -EAGAIN && now_ms < end_ms) {
        (void)poll(&room, 1, (int)(end_ms - now_ms));
        now_ms = coh_monotonic_ms();
        result = write_out(sink);
    }
    if (result < 0) {
        drop_rest(sink, strerror(-result));
    }
}

static void
stop(struct coh_log_sink *sink, uint64_t end_ms)
{
    if (sink->used > 0) {
        write_last(sink, end_ms);
    }
    gather(sink);
    coh_log_loss_leave(&sink->loss);
    free(sink->buffer);
    sink->buffer = NULL;
}

void
coh_log_sinks_stop(struct coh_log_sink *sinks)
{
    uint64_t end_ms = coh_monotonic_ms() + STOP_MS; /* of all together */
    struct coh_log_sink *sink;

    for (sink = sinks; sink; sink = sink->next) {
        if (sink->buffer) {
            stop(sink, end_ms);
        }
    }
}
