/* The error log: one line rendered on the stack, one write to each target. */
#include "core/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/str.h"

static const char *const level_names[] = {
    [COHORT_LOG_EMERG] = "emerg", [COHORT_LOG_ALERT] = "alert",
    [COHORT_LOG_CRIT] = "crit",   [COHORT_LOG_ERROR] = "error",
    [COHORT_LOG_WARN] = "warn",   [COHORT_LOG_NOTICE] = "notice",
    [COHORT_LOG_INFO] = "info",   [COHORT_LOG_DEBUG] = "debug",
};

#define LEVEL_COUNT (sizeof(level_names) / sizeof(level_names[0]))

/* Asked once; a fork makes them wrong until coh_log_forked. */
static pid_t process_id;
static _Thread_local pid_t thread_id;

/* What no target took; in the slot of a worker. */
static uint64_t own_dropped;
static uint64_t *dropped = &own_dropped;

struct line {
    size_t size;
    char text[COH_LOG_LINE_MAX];
};

void
coh_log_init(struct cohort_log *log, struct cohort_log *parent)
{
    memset(log, 0, sizeof(*log));
    log->parent = parent;
}

int
coh_log_add_target(
    struct cohort_log *log, struct coh_log_target *target,
    enum cohort_log_level level)
{
    if (log->target_count == COH_LOG_TARGETS_MAX) {
        return -ENOSPC;
    }
    if (log->target_count == 0 || level > log->level) {
        log->level = level;
    }
    log->targets[log->target_count] = target;
    log->levels[log->target_count] = level;
    log->target_count++;
    return 0;
}

void
coh_log_remove_target(
    struct cohort_log *log, const struct coh_log_target *target)
{
    size_t kept = 0;

    for (size_t i = 0; i < log->target_count; i++) {
        if (log->targets[i] == target) {
            continue;
        }
        log->targets[kept] = log->targets[i];
        log->levels[kept] = log->levels[i];
        if (kept == 0 || log->levels[kept] > log->level) {
            log->level = log->levels[kept];
        }
        kept++;
    }
    log->target_count = kept;
}

struct cohort_log *
coh_log_stderr(void)
{
    static struct coh_log_target target = {.fd = STDERR_FILENO};
    static struct cohort_log log = {
        .targets = {&target},
        .levels = {COHORT_LOG_NOTICE},
        .target_count = 1,
        .level = COHORT_LOG_NOTICE,
    };

    return &log;
}

int
coh_log_level_parse(const char *text, enum cohort_log_level *level)
{
    for (size_t i = 0; i < LEVEL_COUNT; i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *level = (enum cohort_log_level)i;
            return 0;
        }
    }
    return -EINVAL;
}

const char *
coh_log_level_name(enum cohort_log_level level)
{
    return level_names[level];
}

void
coh_log_forked(void)
{
    process_id = getpid();
    thread_id = gettid();
}

uint64_t
coh_log_dropped(void)
{
    return *dropped;
}

void
coh_log_count_at(uint64_t *count)
{
    own_dropped = 0;
    dropped = count ? count : &own_dropped;
}

static void
count_dropped(struct coh_log_target *target)
{
    target->dropped++;
    ++*dropped;
}

/* Whose targets take the lines of log. NULL: nobody's. */
static const struct cohort_log *
log_with_targets(const struct cohort_log *log)
{
    while (log != NULL && log->target_count == 0) {
        log = log->parent;
    }
    return log;
}

bool
cohort_log_is_on(const struct cohort_log *log, enum cohort_log_level level)
{
    log = log_with_targets(log);
    return log != NULL && level <= log->level;
}

/* The last byte is the newline's. */
static size_t
line_room(const struct line *line)
{
    return sizeof(line->text) - 1 - line->size;
}

static bool
is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte <= 0x7e;
}

/* What comes from outside must not end a line or move a terminal's cursor. */
static void
line_add_escaped(struct line *line, const char *bytes, size_t size)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        char *out = line->text + line->size;

        if (is_plain(byte) && line_room(line) >= 1) {
            out[0] = (char)byte;
            line->size += 1;
        } else if (!is_plain(byte) && line_room(line) >= 4) {
            out[0] = '\\';
            out[1] = 'x';
            out[2] = digits[byte >> 4];
            out[3] = digits[byte & 0xf];
            line->size += 4;
        } else {
            return;
        }
    }
}

/* How much of what snprintf wanted to write is there. */
static size_t
printed_size(int result, size_t room)
{
    if (result < 0) {
        return 0;
    }
    return (size_t)result < room ? (size_t)result : room - 1;
}

/* For logs that no event loop keeps the time of. */
static const struct coh_clock *
system_clock(void)
{
    static struct coh_clock clock;
    struct timespec now;
    struct timeval wall;

    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    wall.tv_sec = now.tv_sec;
    wall.tv_usec = now.tv_nsec / 1000;
    coh_clock_set(&clock, &wall, 0);
    return &clock;
}

static const struct coh_clock *
log_clock(const struct cohort_log *log)
{
    for (; log != NULL; log = log->parent) {
        if (log->clock != NULL) {
            return log->clock;
        }
    }
    return system_clock();
}

static uint64_t
log_connection(const struct cohort_log *log)
{
    for (; log != NULL; log = log->parent) {
        if (log->connection != 0) {
            return log->connection;
        }
    }
    return 0;
}

/* "2026/01/31 12:00:00 [error] 17#17: *3 " */
static void
line_start(
    struct line *line, const struct cohort_log *log,
    enum cohort_log_level level)
{
    uint64_t connection = log_connection(log);
    int result;

    if (process_id == 0) {
        process_id = getpid();
    }
    if (thread_id == 0) {
        thread_id = gettid();
    }
    result = snprintf(
        line->text, sizeof(line->text),
        "%s [%s] %d#%d: ", log_clock(log)->error_time, level_names[level],
        (int)process_id, (int)thread_id);
    line->size = printed_size(result, sizeof(line->text));
    if (connection != 0) {
        result = snprintf(
            line->text + line->size, line_room(line), "*%llu ",
            (unsigned long long)connection);
        line->size += printed_size(result, line_room(line));
    }
}

/* The nearest context: a request's outranks its connection's. */
static void
line_add_context(struct line *line, const struct cohort_log *log)
{
    char context[COH_LOG_LINE_MAX];
    size_t size;

    while (log != NULL && log->context == NULL) {
        log = log->parent;
    }
    if (log != NULL) {
        size = log->context(log->object, context, sizeof(context));
        line_add_escaped(line, context, size);
    }
}

static void
line_end(struct line *line)
{
    line->text[line->size++] = '\n';
}

/* Write a line; one that was cut counts as dropped, and is ended before the
   next. */
static bool
is_taken(struct coh_log_target *target, const struct line *line)
{
    ssize_t taken;

    if (target->is_cut && coh_log_fd_write(target->fd, "\n", 1) != 1) {
        return false;
    }
    taken = coh_log_fd_write(target->fd, line->text, line->size);
    target->is_cut = taken > 0 && taken < (ssize_t)line->size;
    return taken == (ssize_t)line->size;
}

/* Lines were dropped: say so before anything else. False if the target still
   takes nothing. */
static bool
tell_dropped(const struct cohort_log *log, struct coh_log_target *target)
{
    struct line line;
    int result;

    line_start(&line, log, COHORT_LOG_WARN);
    result = snprintf(
        line.text + line.size, line_room(&line),
        "%llu lines were dropped here: the log took no more",
        (unsigned long long)target->dropped);
    line.size += printed_size(result, line_room(&line));
    line_end(&line);
    if (!is_taken(target, &line)) {
        return false;
    }
    target->dropped = 0;
    return true;
}

static void
target_write(
    const struct cohort_log *log, struct coh_log_target *target,
    const struct line *line)
{
    if ((target->dropped > 0 && !tell_dropped(log, target)) ||
        !is_taken(target, line)) {
        count_dropped(target);
    }
}

static void
line_write(
    const struct line *line, const struct cohort_log *log,
    enum cohort_log_level level)
{
    const struct cohort_log *owner = log_with_targets(log);

    for (size_t i = 0; owner != NULL && i < owner->target_count; i++) {
        if (level <= owner->levels[i]) {
            target_write(log, owner->targets[i], line);
        }
    }
}

void
cohort_log_write(
    struct cohort_log *log, enum cohort_log_level level, const char *format,
    ...)
{
    int saved_errno = errno; /* callers log first and return -errno then */
    char message[COH_LOG_LINE_MAX];
    struct line line;
    va_list arguments;
    int result;

    va_start(arguments, format);
    result = vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);

    line_start(&line, log, level);
    line_add_escaped(&line, message, printed_size(result, sizeof(message)));
    line_add_context(&line, log);
    line_end(&line);
    line_write(&line, log, level);
    errno = saved_errno;
}
