/* The error log from inside: targets, levels, parents, contexts. */
#ifndef COH_CORE_LOG_H
#define COH_CORE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cohort/log.h>

#define COH_LOG_LINE_MAX 2048
#define COH_LOG_TARGETS_MAX 8

struct coh_clock;

/* A descriptor that lines go to; shared by the logs that name the same file.
   The number stays, the descriptor is exchanged on reopen. */
struct coh_log_target {
    int fd;
    uint64_t dropped; /* lines not taken, not yet told */
    bool is_cut;      /* the last one was taken in part */
};

struct cohort_log {
    struct cohort_log *parent; /* used while there are no own targets */
    struct coh_log_target *targets[COH_LOG_TARGETS_MAX];
    enum cohort_log_level levels[COH_LOG_TARGETS_MAX];
    size_t target_count;
    enum cohort_log_level level; /* the highest of levels */
    /* Append ", client: ..., server: ..." to a line; the bytes written, at most
       size. Called only when a line is written. */
    size_t (*context)(const void *object, char *out, size_t size);
    const void *object;
    uint64_t connection; /* "*N", 0: none */
    /* A loop's clock is only as new as its last update; NULL, which is good
       enough for all but a flood, asks the system. */
    const struct coh_clock *clock;
};

/* A log without targets of its own. parent may be NULL. */
void coh_log_init(struct cohort_log *log, struct cohort_log *parent);

/* -ENOSPC when there are COH_LOG_TARGETS_MAX already. target stays the
   caller's and lives longer than the log. */
int coh_log_add_target(
    struct cohort_log *log, struct coh_log_target *target,
    enum cohort_log_level level);

/* Write there no more. Fine for one that it has not. */
void coh_log_remove_target(
    struct cohort_log *log, const struct coh_log_target *target);

/* Lines also to standard error, with level and up; the process's default log,
   for everything that happens before a configuration names another. */
struct cohort_log *coh_log_stderr(void);

/* Write to what fd has open, by the number that target has. fd stays the
   caller's. 0 or -errno. */
int coh_log_exchange(struct coh_log_target *target, int fd);

/* "error" and so on, or -EINVAL. */
int coh_log_level_parse(const char *text, enum cohort_log_level *level);
const char *coh_log_level_name(enum cohort_log_level level);

/*
 * Write whole lines to a log descriptor without blocking: regular files, pipes,
 * terminals and sockets alike. A line is written at once or not at all; only
 * one longer than PIPE_BUF may be cut by a full pipe, and any by a full disk.
 *
 * Returns  The bytes taken: size, or fewer when there was no more room. -EAGAIN
 *          or -errno when nothing was taken. What was not taken is to be
 *          dropped and counted.
 */
ssize_t coh_log_fd_write(int fd, const void *lines, size_t size);

/* Open a log file for appending (0644, O_APPEND, CLOEXEC, O_NOCTTY; a pipe or
   fifo gets its own O_NONBLOCK description). The descriptor or -errno. */
int coh_log_open(const char *path);

/* Could coh_log_open open it, now and by this process? Nothing is created. 0 or
   -errno. */
int coh_log_check(const char *path);

/* A descriptor of its own, CLOEXEC, for a log that is open already (standard
   error): a pipe is opened anew, so that O_NONBLOCK is ours alone; anything
   else is duplicated. The descriptor or -errno. */
int coh_log_open_fd(int fd);

/*
 * Lines of this process that a target did not take, of all logs, so far.
 *
 * coh_log_count_at  Count on in memory that others see; NULL: in our own again,
 *                   from 0. count outlives that.
 */
uint64_t coh_log_dropped(void);
void coh_log_count_at(uint64_t *count);

/* The pid that lines are written with; call after fork. */
void coh_log_forked(void);

#endif
