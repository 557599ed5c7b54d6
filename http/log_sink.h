/* A file that lines go to: gathered per worker, written out when the buffer is
   full or old, never blocking. */
#ifndef COH_HTTP_LOG_SINK_H
#define COH_HTTP_LOG_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cohort/cohort.h>

#include <event2/event_struct.h>

struct coh_loop;

/* The longest line, its end included; values are cut so that it fits. */
#define COH_LOG_SINK_LINE_MAX 32768

struct coh_log_sink {
    /* --- of the generation --- */
    struct cohort_str path;
    struct cohort_file *file;
    size_t buffer_size; /* bytes gathered before they are written */
    uint64_t flush_ms;  /* how old they get at most */
    struct coh_log_sink *next;

    /* --- of the worker --- */
    char *buffer; /* buffer_size and a line more; NULL before start */
    size_t used;
    size_t line_count; /* in the buffer */
    bool is_cut;       /* the file ends within a line; a newline is first */
    struct event flush;
    struct cohort_log *log; /* where trouble is told */
    const struct coh_loop *loop;
    uint64_t *dropped_total; /* counts all of them */
    uint64_t dropped;        /* lines since it was last said how many */
    uint64_t told_ms;        /* when something was last said of them */
    bool is_failure_told;    /* its end is told, too */
};

/* Where the next line goes: COH_LOG_SINK_LINE_MAX bytes. */
static inline char *
coh_log_sink_line(struct coh_log_sink *sink)
{
    return sink->buffer + sink->used;
}

/* A line of size bytes, its end included, stands there now. */
void coh_log_sink_add(struct coh_log_sink *sink, size_t size);

/* --- all of a configuration, by next -------------------------------------- */

/* Ask for their files. 0, or -errno after it was told. */
int coh_log_sinks_load(struct coh_log_sink *sinks, struct cohort_load *load);

/* Begin in a worker; dropped_total counts lines. 0, or -errno after a line in
   log. */
int coh_log_sinks_start(
    struct coh_log_sink *sinks, struct coh_loop *loop, struct cohort_log *log,
    uint64_t *dropped_total);

/* Write out what is there: before files are exchanged. What a file does not
   take at once is dropped and counted; that is told when it begins, once a
   minute, and how much it was when it is over. */
void coh_log_sinks_flush(struct coh_log_sink *sinks);

/* Write out what is there, end. */
void coh_log_sinks_stop(struct coh_log_sink *sinks);

#endif
