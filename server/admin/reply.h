/* Answers to clients, and JSON as they contain it. */
#ifndef COH_ADMIN_REPLY_H
#define COH_ADMIN_REPLY_H

#include <stdint.h>

#include <cohort/http.h>

#include "core/json.h"

/* Answer with a value, which is given back. The verdict. */
int coh_reply_json(
    struct cohort_request *request, int status, struct coh_json *value);

/* Answer {"error": "..."}. The verdict. */
int coh_reply_error(
    struct cohort_request *request, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Answer 405; methods: those that are allowed, "GET, HEAD". The verdict. */
int coh_reply_method(struct cohort_request *request, const char *methods);

/* True for the method, and for HEAD where GET is asked for. */
bool coh_is_method(const struct cohort_request *request, const char *method);

/* A string of what the primary says: a character may have been cut, and what
   programs and files told it may be no UTF-8; such bytes become "?". NULL:
   there is no memory. */
struct coh_json *coh_text_json(struct cohort_str text);

/* Set members of an object; it is returned, as by coh_json_set. A text of ""
   and a time or number of 0 become null where the name says so. */
struct coh_json *coh_set_text(
    struct coh_json *object, const char *name, const char *text);
struct coh_json *coh_set_text_or_null(
    struct coh_json *object, const char *name, const char *text);
struct coh_json *coh_set_number(
    struct coh_json *object, const char *name, uint64_t number);
struct coh_json *coh_set_number_or_null(
    struct coh_json *object, const char *name, uint64_t number);
struct coh_json *coh_set_flag(
    struct coh_json *object, const char *name, bool value);

/* From then, in milliseconds since 1970, to now; 0 when the clock was set
   back. */
uint64_t coh_ms_since(uint64_t time_ms);

/* "2026-11-23T00:50:56.123Z", from milliseconds since 1970; null for 0. */
struct coh_json *coh_set_time(
    struct coh_json *object, const char *name, uint64_t time_ms);

#endif
