/* No printf, no locale, no time zone, no lock. */
#include "core/signal_line.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"

static const char digits[] = "0123456789ABCDEF";

/* The last byte is the newline's. */
static void
put(struct coh_signal_line *line, char byte)
{
    if (line->size < sizeof(line->text) - 1) {
        line->text[line->size++] = byte;
    }
}

void
coh_signal_line_text(struct coh_signal_line *line, const char *text)
{
    while (*text != '\0') {
        put(line, *text++);
    }
}

void
coh_signal_line_bytes(
    struct coh_signal_line *line, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)bytes[i];

        if (byte >= 0x20 && byte <= 0x7e) {
            put(line, (char)byte);
        } else {
            coh_signal_line_text(line, "\\x");
            put(line, digits[byte >> 4]);
            put(line, digits[byte & 0xf]);
        }
    }
}

static void
put_number(struct coh_signal_line *line, uint64_t number, unsigned base)
{
    char reversed[20]; /* digits of 2^64 */
    size_t size = 0;

    do {
        reversed[size++] = digits[number % base];
        number /= base;
    } while (number != 0);
    while (size > 0) {
        put(line, reversed[--size]);
    }
}

void
coh_signal_line_number(struct coh_signal_line *line, uint64_t number)
{
    put_number(line, number, 10);
}

void
coh_signal_line_hex(struct coh_signal_line *line, uint64_t number)
{
    coh_signal_line_text(line, "0x");
    put_number(line, number, 16);
}

void
coh_signal_line_begin(struct coh_signal_line *line, enum cohort_log_level level)
{
    char when[COH_ERROR_TIME_SIZE + 1];
    struct timespec now;

    line->size = 0;
    clock_gettime(CLOCK_REALTIME, &now);
    coh_error_time_format(when, now.tv_sec);
    coh_signal_line_text(line, when);
    coh_signal_line_text(line, " [");
    coh_signal_line_text(line, coh_log_level_name(level));
    coh_signal_line_text(line, "] ");
    coh_signal_line_number(line, (uint64_t)getpid());
    coh_signal_line_text(line, "#");
    coh_signal_line_number(line, (uint64_t)gettid());
    coh_signal_line_text(line, ": ");
}

void
coh_signal_line_write(
    struct coh_signal_line *line, const struct cohort_log *log,
    enum cohort_log_level level)
{
    line->text[line->size] = '\n';
    while (log != NULL && log->target_count == 0) {
        log = log->parent;
    }
    for (size_t i = 0; log != NULL && i < log->target_count; i++) {
        if (level <= log->levels[i]) {
            (void)coh_log_fd_write(
                log->targets[i]->fd, line->text, line->size + 1);
        }
    }
}
