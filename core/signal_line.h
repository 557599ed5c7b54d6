/* Lines of the error log from a signal handler: put together and written by
   functions that may be called there, at whatever instruction it came. */
#ifndef COH_CORE_SIGNAL_LINE_H
#define COH_CORE_SIGNAL_LINE_H

#include <stddef.h>
#include <stdint.h>

#include <cohort/log.h>

#define COH_SIGNAL_LINE_MAX 512 /* bytes; what is more is cut */

struct coh_signal_line {
    size_t size;
    char text[COH_SIGNAL_LINE_MAX];
};

/* The beginning that all lines have, with the time of now. */
void coh_signal_line_begin(
    struct coh_signal_line *line, enum cohort_log_level level);

/* text is ours and plain; bytes are anybody's and are escaped. */
void coh_signal_line_text(struct coh_signal_line *line, const char *text);
void coh_signal_line_bytes(
    struct coh_signal_line *line, const char *bytes, size_t size);
void coh_signal_line_number(struct coh_signal_line *line, uint64_t number);
void coh_signal_line_hex(struct coh_signal_line *line, uint64_t number);

/* To all targets of the log (or of its parents) that take the level; what one
   does not take at once is lost. The line is over. */
void coh_signal_line_write(
    struct coh_signal_line *line, const struct cohort_log *log,
    enum cohort_log_level level);

#endif
