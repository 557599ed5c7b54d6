/* Dates in header fields. */
#ifndef COHORT_MODULE_DATE_H
#define COHORT_MODULE_DATE_H

#include <stdbool.h>
#include <time.h>

#include <cohort/str.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* "Sun, 06 Nov 1994 08:49:37 GMT" and its NUL. */
#define COHORT_HTTP_DATE_SIZE 30

/* Write a date; the result points at out. */
struct cohort_str cohort_http_date_format(
    time_t when, char out[COHORT_HTTP_DATE_SIZE]);

/* Read a date in any of HTTP's three forms. False: it is none. */
bool cohort_http_date_parse(struct cohort_str text, time_t *when);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
