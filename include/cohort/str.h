/* A counted string: bytes that somebody else owns. */
#ifndef COHORT_STR_H
#define COHORT_STR_H

#include <stddef.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * data  Not terminated by NUL unless the function that made it says so. May be
 *       NULL when size is 0.
 * size  In bytes.
 *
 * A cohort_str owns nothing: it is valid for as long as what it points at.
 */
struct cohort_str {
    const char *data;
    size_t size;
};

/* A string from a NUL-terminated one, which it points at. NULL gives "". */
static inline struct cohort_str
cohort_str(const char *text)
{
    struct cohort_str str;

    str.data = text;
    str.size = text ? strlen(text) : 0;
    return str;
}

/* A string of size bytes at data, which it points at. */
static inline struct cohort_str
cohort_str_n(const char *data, size_t size)
{
    struct cohort_str str;

    str.data = data;
    str.size = size;
    return str;
}

#ifdef __cplusplus
}
#endif

#endif
