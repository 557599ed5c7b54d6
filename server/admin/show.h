/* Answers of the admin service, for people. */
#ifndef COH_ADMIN_SHOW_H
#define COH_ADMIN_SHOW_H

#include <stddef.h>
#include <stdint.h>

#include <cohort/str.h>

struct coh_json;

/* A member, or what stands for nothing: 0, "". */
int64_t coh_show_number(const struct coh_json *object, const char *name);
const char *coh_show_text(const struct coh_json *object, const char *name);

/* "12.3M", "4d 5h"; out has room for 16 bytes. Return out. */
const char *coh_show_size(uint64_t bytes, char out[16]);
const char *coh_show_duration(uint64_t ms, char out[16]);

/* To standard output. */

/* Of what workers say: they choose their words and addresses, and may have been
   taken over. What would move a terminal's cursor is shown as a question
   mark. */
void coh_show_clean(struct cohort_str text);
void coh_show_status(const struct coh_json *status);
void coh_show_workers(const struct coh_json *answer);
void coh_show_more_workers(const struct coh_json *answer); /* without a head */
void coh_show_event(const struct coh_json *event);
void coh_show_message(const struct coh_json *answer); /* its text */

/* To standard error: an error, or all errors of a configuration. */
void coh_show_error(const struct coh_json *answer);

#endif
