/* The time of one event loop's turn, and its texts, rendered once a second. */
#ifndef COH_CORE_CLOCK_H
#define COH_CORE_CLOCK_H

#include <stdint.h>
#include <sys/time.h>
#include <time.h>

#define COH_HTTP_DATE_SIZE 29  /* "Sun, 06 Nov 1994 08:49:37 GMT" */
#define COH_LOG_TIME_SIZE 26   /* "06/Nov/1994:08:49:37 +0000" */
#define COH_ERROR_TIME_SIZE 19 /* "1994/11/06 08:49:37" */
#define COH_ISO_TIME_SIZE 25   /* "1994-11-06T08:49:37+00:00" */

struct coh_clock {
    uint64_t now_ms;       /* monotonic, coarse: for deadlines */
    struct timeval wall;   /* of this turn */
    uint64_t render_count; /* goes up each time the texts change */
    char http_date[COH_HTTP_DATE_SIZE + 1];
    char log_time[COH_LOG_TIME_SIZE + 1];
    char error_time[COH_ERROR_TIME_SIZE + 1];
    char iso_time[COH_ISO_TIME_SIZE + 1];
};

/* Read the clocks and render the texts. */
void coh_clock_init(struct coh_clock *clock);

/* Take over the time of this turn; renders texts only if the second changed.
   The offset of local time is looked up once per quarter hour. */
void coh_clock_set(
    struct coh_clock *clock, const struct timeval *wall, uint64_t monotonic_ms);

/* Monotonic milliseconds now, by a clock call (coarse). */
uint64_t coh_monotonic_ms(void);

/* Monotonic microseconds now, by a clock call (precise). */
uint64_t coh_monotonic_us(void);

/* Milliseconds since 1970 now, by a clock call. */
uint64_t coh_realtime_ms(void);

/* "Sun, 06 Nov 1994 08:49:37 GMT" of when; out has COH_HTTP_DATE_SIZE + 1. */
void coh_http_date_format(char *out, time_t when);

/* "1994/11/06 08:49:37", local time, of when; out has COH_ERROR_TIME_SIZE + 1.
   From a signal handler, too: it counts days by itself, and takes the offset of
   local time that was looked up last. */
void coh_error_time_format(char *out, time_t when);

#endif
