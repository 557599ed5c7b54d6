/* JSON values: read from text, looked into, built, written; jansson inside. */
#ifndef COH_CORE_JSON_H
#define COH_CORE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/json_text.h"

/* How many values one text may hold: a tree takes up to 250 bytes for each,
   while two bytes of text are enough to ask for one. */
#define COH_JSON_VALUES_MAX 65536

/* A value; counted references, see coh_json_keep. */
struct coh_json;

enum coh_json_kind {
    COH_JSON_NULL,
    COH_JSON_BOOLEAN,
    COH_JSON_INTEGER, /* written without fraction and exponent */
    COH_JSON_REAL,
    COH_JSON_STRING,
    COH_JSON_ARRAY,
    COH_JSON_OBJECT,
};

/* --- reading -------------------------------------------------------------- */

/*
 * Make the value of a text. Size, depth and number of values are checked before
 * anything is allocated.
 *
 * size_max  Of the text, in bytes.
 * value     Set to a value of the caller's, or to NULL on failure.
 * error     Set on failure but -ENOMEM; may be NULL.
 * Returns   0; -EINVAL; -E2BIG for what is too long, too deep or too many;
 *           -ERANGE for what is valid but cannot be held: integers beyond 64
 *           bits, reals beyond a double, half a surrogate pair, a name with a
 *           NUL; -ENOMEM.
 */
int coh_json_parse(
    struct cohort_str text, size_t size_max, struct coh_json **value,
    struct coh_json_error *error);

/* One more reference; the value. NULL is fine for both. */
struct coh_json *coh_json_keep(struct coh_json *value);
void coh_json_free(struct coh_json *value);

enum coh_json_kind coh_json_kind(const struct coh_json *value);

/* A member, as long as the object lives. NULL when object is NULL, no object or
   has none of this name. */
struct coh_json *coh_json_member(
    const struct coh_json *object, const char *name);

/* How many members or elements; 0 for other values. */
size_t coh_json_count(const struct coh_json *value);

/* An element, as long as the array lives; NULL when there is none. */
struct coh_json *coh_json_element(const struct coh_json *array, size_t index);

/* Call on_member for each member in the order they were set, until it returns
   other than 0: that, or 0. No object has none. */
int coh_json_walk(
    const struct coh_json *object,
    int (*on_member)(
        const char *name, const struct coh_json *value, void *user),
    void *user);

/*
 * What a value says. The string is terminated by NUL, may hold others, and
 * lives as long as the value.
 *
 * Returns  0; -ENOENT when value is NULL (a member that is not there); -EINVAL
 *          when it is of another kind; -ERANGE outside of min to max.
 */
int coh_json_get_string(const struct coh_json *value, struct cohort_str *out);
int coh_json_get_boolean(const struct coh_json *value, bool *out);
int coh_json_get_integer(
    const struct coh_json *value, int64_t min, int64_t max, int64_t *out);

/* --- building ------------------------------------------------------------- */

/* A new value of the caller's, or NULL when there is no memory. Strings that
   are not UTF-8 give NULL too. */
struct coh_json *coh_json_null(void);
struct coh_json *coh_json_boolean(bool value);
struct coh_json *coh_json_integer(int64_t value);
struct coh_json *coh_json_string(struct cohort_str value);
struct coh_json *coh_json_array(void);
struct coh_json *coh_json_object(void);

/*
 * Append an element, or set a member; value is the container's from now on.
 *
 * Returns  The container; NULL, and both are freed, when one of them is NULL or
 *          there is no memory. So a chain of calls needs one check at its end,
 *          and coh_json_write makes it.
 */
struct coh_json *coh_json_append(
    struct coh_json *array, struct coh_json *value);
struct coh_json *coh_json_set(
    struct coh_json *object, const char *name, struct coh_json *value);

/* --- writing -------------------------------------------------------------- */

/*
 * Write value without blanks or a NUL; members in the order they were set.
 *
 * Returns  The size; -ENOMEM when value is NULL; -EMSGSIZE when it needs more
 *          than room bytes.
 */
ssize_t coh_json_write(const struct coh_json *value, char *out, size_t room);

#endif
