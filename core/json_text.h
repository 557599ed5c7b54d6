/* JSON as text: whether it is valid, and where a member of it stands. */
#ifndef COH_CORE_JSON_TEXT_H
#define COH_CORE_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include <cohort/str.h>

#define COH_JSON_DEPTH_MAX 32 /* arrays and objects in one another */

/* Why a text is not taken, and where. */
struct coh_json_error {
    const char
        *reason;   /* completes "it ...": "lacks a comma"; lives for ever */
    size_t offset; /* in bytes, of what is wrong; the size at the end */
    size_t line;   /* from 1 */
    size_t column; /* from 1, in bytes */
};

/*
 * Whether text is one JSON value (RFC 8259) in UTF-8, blanks around it allowed.
 * Never allocates; works in one pass, without recursion.
 *
 * value_count  Set to how many values it holds, itself and members included.
 * error        Set on failure; may be NULL.
 * Returns      0; -EINVAL; -E2BIG when it is nested too deeply.
 */
int coh_json_text_check(
    struct cohort_str text, size_t *value_count, struct coh_json_error *error);

/*
 * The text of a member's value, without blanks around it. Of two members with
 * the same name the last counts, as in JavaScript.
 *
 * object   A text that coh_json_text_check has taken.
 * Returns  False when object is no object or has no such member.
 */
bool coh_json_text_member(
    struct cohort_str object, const char *name, struct cohort_str *value);

/* Whether a checked text is the string plain, however its bytes are escaped. */
bool coh_json_text_is(struct cohort_str text, const char *plain);

/* Make a text one that a JSON string can hold: bytes that are not UTF-8, as
   those of a character that was cut, become "?". */
void coh_json_text_mend(char *text, size_t size);

/* Fill in error for what is wrong at offset: lines are counted. */
void coh_json_error_fill(
    struct coh_json_error *error, struct cohort_str text, size_t offset,
    const char *reason);

#endif
