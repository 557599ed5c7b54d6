/* A file that lines go to: gathered per worker, written out when the buffer is
   full or old, never blocking. What a pipe, socket or terminal does not take at
   once waits until it does. */
#ifndef COH_HTTP_LOG_SINK_H
#define COH_HTTP_LOG_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cohort/cohort.h>

#include <event2/event_struct.h>

#include "http/log_loss.h"

struct coh_loop;

/* The longest line, its end included; values are cut so that it fits. */
#define COH_LOG_SINK_LINE_MAX 32768

/* Bytes that wait for a reader, beyond the buffer: what 100,000 requests leave
   in a tenth of a second. The memory is not touched before. */
#define COH_LOG_SINK_BACKLOG_MAX (1u << 20)

struct coh_log_sink {
    /* --- of the generation --- */
    struct cohort_str path;
    struct cohort_file *file;
    size_t buffer_size;   /* bytes gathered before they are written */
    uint64_t flush_ms;    /* how old they get at most */
    bool is_buffer_given; /* these two were named, else they are by default */
    struct coh_log_sink *next;

    /* --- of the worker --- */
    char *buffer;       /* buffer_size, the backlog and a line more; NULL
                             before start */
    size_t start;       /* what lies before was written */
    size_t used;        /* 0: nothing is there */
    size_t mark;        /* of used: when something has to be done */
    bool is_waiting;    /* the file has no room for now */
    bool is_cut;        /* the file ends within a line; the rest is first */
    bool must_end_line; /* the same, but the rest was dropped */
    struct event flush; /* the buffer is old */
    struct event has_room;
    dev_t device; /* of the file, when it was about to be exchanged */
    ino_t inode;
    struct coh_loop *loop;
    struct coh_log_loss loss;
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

/* Write out what is there: before files are exchanged (is_before), and what
   could not be written then, after. What a disk does not take is dropped, and
   what no longer fits into the backlog. */
void coh_log_sinks_reopen(struct coh_log_sink *sinks, bool is_before);

/* Write out what is there, for 200 ms at most where somebody has to read it;
   end. */
void coh_log_sinks_stop(struct coh_log_sink *sinks);

#endif
