/* A file on its way to a client: shared by http/file_response.c (whole files)
   and http/file_ranges.c (parts). */
#ifndef COH_HTTP_FILE_SERVING_H
#define COH_HTTP_FILE_SERVING_H

#include <stdbool.h>
#include <stdint.h>

#include "core/clock.h"
#include "http/conditional.h"

struct coh_file;
struct coh_response_settings;
struct cohort_request;

#define COH_ETAG_MAX 40

/* A file about to be served. */
struct coh_file_serving {
    struct cohort_request *request;
    struct coh_file *file;
    const struct coh_response_settings *settings;
    struct cohort_str type;
    char etag_text[COH_ETAG_MAX];
    char date_text[COH_HTTP_DATE_SIZE + 1];
    struct coh_validators validators;
};

/* Add a field whose value is copied. 0 or -E2BIG. */
int coh_file_add_field(
    struct cohort_request *request, struct cohort_str name,
    struct cohort_str value);

/* Begin a response with the file's fields. 0, or a status to end with. */
int coh_file_begin(
    const struct coh_file_serving *serving, int status, struct cohort_str type,
    uint64_t length);

/* Give bytes of the file to the response. */
void coh_file_give(
    const struct coh_file_serving *serving, uint64_t first, uint64_t size);

/* Answer with all of it. A verdict. */
int coh_file_respond_whole(const struct coh_file_serving *serving);

/* Does the request ask for ranges, of this version of the file? */
bool coh_file_wants_ranges(const struct coh_file_serving *serving);

/* Answer with them, or with 416, or with all of it. A verdict. */
int coh_file_respond_ranges(const struct coh_file_serving *serving);

#endif
