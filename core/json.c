/* JSON values: read from text, looked into, built, written; jansson inside. */
#include "core/json.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "core/str.h"

/* A struct coh_json is never completed: it is jansson's value under the name by
   which everybody else knows it. */

static json_t *
inside(const struct coh_json *value)
{
    json_t *json;

    memcpy(&json, &value, sizeof(json)); /* jansson counts in its values */
    return json;
}

static struct coh_json *
outside(json_t *json)
{
    return (struct coh_json *)json;
}

/* --- reading -------------------------------------------------------------- */

/* Scalars alone are fine; a NUL in a string too. */
#define READING (JSON_DECODE_ANY | JSON_ALLOW_NUL)

/* The text is valid, and still jansson cannot make a value of it. */
static int
tell_loss(
    const json_error_t *reported, struct cohort_str text,
    struct coh_json_error *error)
{
    size_t offset = reported->position < 0 ? 0 : (size_t)reported->position;
    const char *reason;

    switch (json_error_code(reported)) {
    case json_error_out_of_memory:
        return -ENOMEM;
    case json_error_numeric_overflow:
        reason = "has a number that is too large";
        break;
    case json_error_invalid_syntax: /* how it calls half a pair */
        reason = "has half a surrogate pair";
        break;
    case json_error_null_byte_in_key:
        reason = "has a name with a NUL in it";
        break;
    default:
        reason = "cannot be held";
    }
    coh_json_error_fill(
        error, text, offset < text.size ? offset : text.size, reason);
    return -ERANGE;
}

int
coh_json_parse(
    struct cohort_str text, size_t size_max, struct coh_json **value,
    struct coh_json_error *error)
{
    json_error_t reported;
    size_t count;
    int result;

    *value = NULL;
    if (text.size > size_max) {
        coh_json_error_fill(error, text, size_max, "is too long");
        return -E2BIG;
    }
    result = coh_json_text_check(text, &count, error);
    if (result < 0) {
        return result;
    }
    if (count > COH_JSON_VALUES_MAX) {
        coh_json_error_fill(error, text, 0, "holds too many values");
        return -E2BIG;
    }
    *value = outside(json_loadb(text.data, text.size, READING, &reported));
    return *value == NULL ? tell_loss(&reported, text, error) : 0;
}

bool
coh_json_text_is(struct cohort_str text, const char *plain)
{
    size_t size = strlen(plain);
    json_t *string;
    bool is_equal;

    if (text.size < 2 || text.data[0] != '"') {
        return false;
    }
    if (memchr(text.data, '\\', text.size) == NULL) {
        return text.size == size + 2 && memcmp(text.data + 1, plain, size) == 0;
    }
    string = json_loadb(text.data, text.size, READING, NULL);
    is_equal = string != NULL && json_string_length(string) == size &&
        memcmp(json_string_value(string), plain, size) == 0;
    json_decref(string);
    return is_equal;
}

struct coh_json *
coh_json_keep(struct coh_json *value)
{
    return outside(json_incref(inside(value)));
}

void
coh_json_free(struct coh_json *value)
{
    json_decref(inside(value));
}

enum coh_json_kind
coh_json_kind(const struct coh_json *value)
{
    static const enum coh_json_kind kinds[] = {
        [JSON_NULL] = COH_JSON_NULL,    [JSON_FALSE] = COH_JSON_BOOLEAN,
        [JSON_TRUE] = COH_JSON_BOOLEAN, [JSON_INTEGER] = COH_JSON_INTEGER,
        [JSON_REAL] = COH_JSON_REAL,    [JSON_STRING] = COH_JSON_STRING,
        [JSON_ARRAY] = COH_JSON_ARRAY,  [JSON_OBJECT] = COH_JSON_OBJECT,
    };

    return kinds[json_typeof(inside(value))];
}

struct coh_json *
coh_json_member(const struct coh_json *object, const char *name)
{
    return outside(json_object_get(inside(object), name));
}

size_t
coh_json_count(const struct coh_json *value)
{
    return json_array_size(inside(value)) + json_object_size(inside(value));
}

struct coh_json *
coh_json_element(const struct coh_json *array, size_t index)
{
    return outside(json_array_get(inside(array), index));
}

int
coh_json_walk(
    const struct coh_json *object,
    int (*on_member)(
        const char *name, const struct coh_json *value, void *user),
    void *user)
{
    json_t *json = inside(object);
    const char *name;
    json_t *value;

    json_object_foreach(json, name, value)
    {
        int result = on_member(name, outside(value), user);

        if (result != 0) {
            return result;
        }
    }
    return 0;
}

int
coh_json_get_string(const struct coh_json *value, struct cohort_str *out)
{
    if (value == NULL) {
        return -ENOENT;
    }
    if (!json_is_string(inside(value))) {
        return -EINVAL;
    }
    *out = cohort_str_n(
        json_string_value(inside(value)), json_string_length(inside(value)));
    return 0;
}

int
coh_json_get_boolean(const struct coh_json *value, bool *out)
{
    if (value == NULL) {
        return -ENOENT;
    }
    if (!json_is_boolean(inside(value))) {
        return -EINVAL;
    }
    *out = json_is_true(inside(value));
    return 0;
}

int
coh_json_get_integer(
    const struct coh_json *value, int64_t min, int64_t max, int64_t *out)
{
    json_int_t number;

    if (value == NULL) {
        return -ENOENT;
    }
    if (!json_is_integer(inside(value))) {
        return -EINVAL;
    }
    number = json_integer_value(inside(value));
    if (number < min || number > max) {
        return -ERANGE;
    }
    *out = number;
    return 0;
}

/* --- building ------------------------------------------------------------- */

struct coh_json *
coh_json_null(void)
{
    return outside(json_null());
}

struct coh_json *
coh_json_boolean(bool value)
{
    return outside(json_boolean(value));
}

struct coh_json *
coh_json_integer(int64_t value)
{
    return outside(json_integer(value));
}

struct coh_json *
coh_json_string(struct cohort_str value)
{
    return outside(json_stringn(value.size == 0 ? "" : value.data, value.size));
}

struct coh_json *
coh_json_array(void)
{
    return outside(json_array());
}

struct coh_json *
coh_json_object(void)
{
    return outside(json_object());
}

struct coh_json *
coh_json_append(struct coh_json *array, struct coh_json *value)
{
    if (json_array_append_new(inside(array), inside(value)) < 0) {
        coh_json_free(array); /* value was freed by jansson */
        return NULL;
    }
    return array;
}

struct coh_json *
coh_json_set(struct coh_json *object, const char *name, struct coh_json *value)
{
    if (json_object_set_new(inside(object), name, inside(value)) < 0) {
        coh_json_free(object); /* value was freed by jansson */
        return NULL;
    }
    return object;
}

/* --- writing -------------------------------------------------------------- */

ssize_t
coh_json_write(const struct coh_json *value, char *out, size_t room)
{
    size_t size;

    if (value == NULL) {
        return -ENOMEM;
    }
    size = json_dumpb(inside(value), out, room, JSON_COMPACT | JSON_ENCODE_ANY);
    if (size == 0) {
        return -ENOMEM;
    }
    return size > room ? -EMSGSIZE : (ssize_t)size;
}
