/* Forms of access log lines. */
#ifndef COH_HTTP_LOG_FORMAT_H
#define COH_HTTP_LOG_FORMAT_H

#include <stddef.h>

#include <cohort/conf.h>

#include "http/log_escape.h"

struct cohort_request;
struct cohort_text;

struct coh_log_format {
    struct cohort_str name;
    const struct cohort_text *text; /* NULL: combined */
    enum coh_log_escape escape;
    struct coh_log_format *next;
};

/* log_format */
extern struct cohort_module coh_log_format_module;

/* The format of a name; NULL: there is none. "combined" is always there. */
const struct coh_log_format *coh_log_format_find(
    struct cohort_conf *conf, struct cohort_str name);

/* Write a request's line, with its end, at out (COH_LOG_SINK_LINE_MAX bytes;
   values are cut so that it fits); its size. */
size_t coh_log_format_write(
    const struct coh_log_format *format, struct cohort_request *request,
    char *out);

/* The form combined, by straight-line code (http/log_combined.c). */
size_t coh_log_combined_write(struct cohort_request *request, char *out);

#endif
