/* Answers to clients: JSON with a line end, so that a terminal stays tidy. */
#include "server/admin/reply.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROOM_FIRST (16 * 1024)
#define ROOM_MAX (64 * 1024 * 1024)
#define JSON_TYPE "application/json"

/* --- answers -------------------------------------------------------------- */

/* The text of a value, and a line end; NULL: there is no memory for it. */
static char *
write_value(const struct coh_json *value, size_t *size)
{
    for (size_t room = ROOM_FIRST; room <= ROOM_MAX; room *= 4) {
        char *text = malloc(room);
        ssize_t written =
            text ? coh_json_write(value, text, room - 1) : -ENOMEM;

        if (written >= 0) {
            text[written] = '\n';
            *size = (size_t)written + 1;
            return text;
        }
        free(text);
        if (written != -EMSGSIZE) {
            break;
        }
    }
    return NULL;
}

int
coh_reply_json(
    struct cohort_request *request, int status, struct coh_json *value)
{
    size_t size = 0;
    char *text = write_value(value, &size);
    int verdict =
        text ? cohort_respond(request, status, JSON_TYPE, text, size) : 500;

    free(text);
    coh_json_free(value);
    return verdict;
}

int
coh_reply_error(
    struct cohort_request *request, int status, const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    return coh_reply_json(
        request, status, coh_set_text(coh_json_object(), "error", text));
}

int
coh_reply_method(struct cohort_request *request, const char *methods)
{
    cohort_response_header(request, cohort_str("Allow"), cohort_str(methods));
    return coh_reply_error(request, 405, "this takes the methods %s", methods);
}

bool
coh_is_method(const struct cohort_request *request, const char *method)
{
    struct cohort_str asked = cohort_request_method(request);

    return (asked.size == strlen(method) &&
            memcmp(asked.data, method, asked.size) == 0) ||
        (asked.size == 4 && memcmp(asked.data, "HEAD", 4) == 0 &&
         strcmp(method, "GET") == 0);
}

/* --- members -------------------------------------------------------------- */

struct coh_json *
coh_text_json(struct cohort_str text)
{
    struct coh_json *value = coh_json_string(text);
    char *copy = value ? NULL : malloc(text.size + 1);

    if (copy) {
        memcpy(copy, text.data, text.size);
        coh_json_text_mend(copy, text.size);
        value = coh_json_string(cohort_str_n(copy, text.size));
        free(copy);
    }
    return value;
}

struct coh_json *
coh_set_text(struct coh_json *object, const char *name, const char *text)
{
    return coh_json_set(object, name, coh_text_json(cohort_str(text)));
}

struct coh_json *
coh_set_text_or_null(
    struct coh_json *object, const char *name, const char *text)
{
    return coh_json_set(
        object, name,
        text[0] ? coh_text_json(cohort_str(text)) : coh_json_null());
}

struct coh_json *
coh_set_number(struct coh_json *object, const char *name, uint64_t number)
{
    return coh_json_set(object, name, coh_json_integer((int64_t)number));
}

struct coh_json *
coh_set_number_or_null(
    struct coh_json *object, const char *name, uint64_t number)
{
    return coh_json_set(
        object, name,
        number ? coh_json_integer((int64_t)number) : coh_json_null());
}

struct coh_json *
coh_set_flag(struct coh_json *object, const char *name, bool value)
{
    return coh_json_set(object, name, coh_json_boolean(value));
}

struct coh_json *
coh_set_time(struct coh_json *object, const char *name, uint64_t time_ms)
{
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm parts;
    char text[64] = "";
    size_t size;

    if (time_ms > 0 && gmtime_r(&seconds, &parts)) {
        size = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
        snprintf(
            text + size, sizeof(text) - size, ".%03uZ",
            (unsigned)(time_ms % 1000));
    }
    return coh_set_text_or_null(object, name, text);
}

uint64_t
coh_ms_since(uint64_t time_ms)
{
    struct timespec now;
    uint64_t now_ms;

    clock_gettime(CLOCK_REALTIME, &now);
    now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    return now_ms > time_ms ? now_ms - time_ms : 0;
}
