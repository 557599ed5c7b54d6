/* Dates in header fields. */
#include <stdio.h>
#include <string.h>

#include <cohort/module/date.h>

#include "core/clock.h"

#define DATE_MAX 40

/* 0..11, or -1. */
static int
month_number(const char *name)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const char *found = strlen(name) == 3 ? strstr(names, name) : NULL;

    return found && (found - names) % 3 == 0 ? (int)(found - names) / 3 : -1;
}

/* Two digits mean the past fifty years or the next fifty, seen from 2020. */
static int
full_year(int year)
{
    return year < 70 ? year + 2000 : year + 1900;
}

/* True if all of text was read. */
static bool
read_parts(const char *text, struct tm *parts, char *month)
{
    int size = 0;

    if (sscanf(
            text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n",
            &parts->tm_mday, month, &parts->tm_year, &parts->tm_hour,
            &parts->tm_min, &parts->tm_sec, &size) == 6 &&
        size > 0) {
        return text[size] == '\0';
    }
    if (sscanf(
            text, "%*9[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT%n",
            &parts->tm_mday, month, &parts->tm_year, &parts->tm_hour,
            &parts->tm_min, &parts->tm_sec, &size) == 6 &&
        size > 0) {
        parts->tm_year = full_year(parts->tm_year);
        return text[size] == '\0';
    }
    if (sscanf(
            text, "%*3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d%n", month,
            &parts->tm_mday, &parts->tm_hour, &parts->tm_min, &parts->tm_sec,
            &parts->tm_year, &size) == 6 &&
        size > 0) {
        return text[size] == '\0';
    }
    return false;
}

static bool
is_sane(const struct tm *parts)
{
    return parts->tm_mday >= 1 && parts->tm_mday <= 31 && parts->tm_mon >= 0 &&
        parts->tm_year >= 1970 && parts->tm_hour >= 0 && parts->tm_hour <= 23 &&
        parts->tm_min >= 0 && parts->tm_min <= 59 && parts->tm_sec >= 0 &&
        parts->tm_sec <= 60;
}

bool
cohort_http_date_parse(struct cohort_str text, time_t *when)
{
    struct tm parts = {.tm_sec = 0};
    char copy[DATE_MAX];
    char month[4] = "";

    if (text.size >= sizeof(copy)) {
        return false;
    }
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    if (!read_parts(copy, &parts, month)) {
        return false;
    }
    parts.tm_mon = month_number(month);
    if (!is_sane(&parts)) {
        return false;
    }
    parts.tm_year -= 1900;
    *when = timegm(&parts);
    return true;
}

struct cohort_str
cohort_http_date_format(time_t when, char out[COHORT_HTTP_DATE_SIZE])
{
    coh_http_date_format(out, when);
    return cohort_str_n(out, COH_HTTP_DATE_SIZE);
}
