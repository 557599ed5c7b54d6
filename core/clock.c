/* The time of one event loop's turn, and its texts, rendered once a second. */
#include "core/clock.h"

#include <string.h>

#include "core/check.h"

#define QUARTER_HOUR 900 /* seconds: time zones change at these */

static const char day_names[] = "SunMonTueWedThuFriSat";
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* What local time adds to UTC, in seconds, and for which quarter it holds. */
static struct {
    time_t quarter; /* 0: not looked up yet */
    long seconds;
} local_offset;

/* size: how many digits, with leading zeros. Returns what follows. */
static char *
put_digits(char *out, int value, int size)
{
    for (int i = size - 1; i >= 0; i--) {
        out[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return out + size;
}

static char *
put_bytes(char *out, const char *bytes, size_t size)
{
    memcpy(out, bytes, size);
    return out + size;
}

static char *
put_byte(char *out, char byte)
{
    *out = byte;
    return out + 1;
}

static char *
put_day_time(char *out, const struct tm *parts)
{
    out = put_digits(out, parts->tm_hour, 2);
    out = put_byte(out, ':');
    out = put_digits(out, parts->tm_min, 2);
    out = put_byte(out, ':');
    return put_digits(out, parts->tm_sec, 2);
}

static char *
put_month(char *out, const struct tm *parts)
{
    return put_bytes(out, month_names + parts->tm_mon * 3, 3);
}

/* "2026/01/31" or with another separator. */
static char *
put_date(char *out, const struct tm *parts, char separator)
{
    out = put_digits(out, parts->tm_year + 1900, 4);
    out = put_byte(out, separator);
    out = put_digits(out, parts->tm_mon + 1, 2);
    out = put_byte(out, separator);
    return put_digits(out, parts->tm_mday, 2);
}

/* "+0200"; separator stands between hours and minutes unless it is NUL. */
static char *
put_offset(char *out, long seconds, char separator)
{
    int minutes = (int)(seconds / 60);

    out = put_byte(out, minutes < 0 ? '-' : '+');
    minutes = minutes < 0 ? -minutes : minutes;
    out = put_digits(out, minutes / 60, 2);
    if (separator != '\0') {
        out = put_byte(out, separator);
    }
    return put_digits(out, minutes % 60, 2);
}

void
coh_http_date_format(char *out, time_t when)
{
    struct tm parts;

    if (gmtime_r(&when, &parts) == NULL || parts.tm_year > 9999 - 1900) {
        when = 0; /* a file's time may be anything; the field has 4 digits */
        gmtime_r(&when, &parts);
    }
    out = put_bytes(out, day_names + parts.tm_wday * 3, 3);
    out = put_bytes(out, ", ", 2);
    out = put_digits(out, parts.tm_mday, 2);
    out = put_byte(out, ' ');
    out = put_month(out, &parts);
    out = put_byte(out, ' ');
    out = put_digits(out, parts.tm_year + 1900, 4);
    out = put_byte(out, ' ');
    out = put_day_time(out, &parts);
    put_bytes(out, " GMT", sizeof(" GMT"));
}

static void
render_log_time(struct coh_clock *clock, const struct tm *parts, long offset)
{
    char *out = clock->log_time;

    out = put_digits(out, parts->tm_mday, 2);
    out = put_byte(out, '/');
    out = put_month(out, parts);
    out = put_byte(out, '/');
    out = put_digits(out, parts->tm_year + 1900, 4);
    out = put_byte(out, ':');
    out = put_day_time(out, parts);
    out = put_byte(out, ' ');
    out = put_offset(out, offset, '\0');
    put_byte(out, '\0');
}

static void
render_iso_time(struct coh_clock *clock, const struct tm *parts, long offset)
{
    char *out = clock->iso_time;

    out = put_date(out, parts, '-');
    out = put_byte(out, 'T');
    out = put_day_time(out, parts);
    out = put_offset(out, offset, ':');
    put_byte(out, '\0');
}

static void
render_error_time(struct coh_clock *clock, const struct tm *parts)
{
    char *out = clock->error_time;

    out = put_date(out, parts, '/');
    out = put_byte(out, ' ');
    out = put_day_time(out, parts);
    put_byte(out, '\0');
}

/* Days since 1970-01-01 to a date, in years that begin with March, so that the
   day that comes and goes is a year's last. */
static void
date_of(long days, struct tm *parts)
{
    long day = days + 719468; /* since 0000-03-01 */
    long era = day / 146097;  /* of 400 years */
    long year;

    day %= 146097;
    year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    day -= 365 * year + year / 4 - year / 100;
    parts->tm_mon = (int)((5 * day + 2) / 153); /* 0: March */
    parts->tm_mday = (int)(day - (153 * parts->tm_mon + 2) / 5) + 1;
    parts->tm_mon = (parts->tm_mon + 2) % 12;
    parts->tm_year = (int)(era * 400 + year + (parts->tm_mon < 2) - 1900);
}

void
coh_error_time_format(char *out, time_t when)
{
    long local = (long)when + local_offset.seconds;
    int second = (int)(local % 86400);
    struct tm parts = {
        .tm_hour = second / 3600,
        .tm_min = second / 60 % 60,
        .tm_sec = second % 60,
    };

    date_of(local / 86400, &parts);
    out = put_date(out, &parts, '/');
    out = put_byte(out, ' ');
    out = put_day_time(out, &parts);
    put_byte(out, '\0');
}

static long
local_offset_at(time_t when)
{
    time_t quarter = when / QUARTER_HOUR + 1;
    struct tm parts;

    if (local_offset.quarter != quarter && localtime_r(&when, &parts) != NULL) {
        local_offset.quarter = quarter;
        local_offset.seconds = parts.tm_gmtoff;
    }
    return local_offset.seconds;
}

static void
render(struct coh_clock *clock)
{
    time_t now = clock->wall.tv_sec;
    long offset = local_offset_at(now);
    time_t shifted = now + offset;
    struct tm local;

    COH_CHECK(gmtime_r(&shifted, &local) != NULL);
    coh_http_date_format(clock->http_date, now);
    render_log_time(clock, &local, offset);
    render_error_time(clock, &local);
    render_iso_time(clock, &local, offset);
    clock->render_count++;
}

void
coh_clock_init(struct coh_clock *clock)
{
    struct timespec now;

    memset(clock, 0, sizeof(*clock));
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    clock->wall.tv_sec = now.tv_sec;
    clock->wall.tv_usec = now.tv_nsec / 1000;
    clock->now_ms = coh_monotonic_ms();
    render(clock);
}

void
coh_clock_set(
    struct coh_clock *clock, const struct timeval *wall, uint64_t monotonic_ms)
{
    time_t before = clock->wall.tv_sec;

    clock->now_ms = monotonic_ms;
    clock->wall = *wall;
    if (wall->tv_sec != before) {
        render(clock);
    }
}

uint64_t
coh_monotonic_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t
coh_monotonic_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t
coh_realtime_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}
