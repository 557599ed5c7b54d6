/* Variables and the texts that contain them, compiled at load. */
#ifndef COHORT_MODULE_VARIABLE_H
#define COHORT_MODULE_VARIABLE_H

#include <cohort/http.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* A compiled text: constants and variables by index. */
struct cohort_text;

/*
 * Compile text ("$uri", "${host}x"). Unknown names are an error of the
 * configuration (told). The result lives as long as the generation.
 */
const struct cohort_text *cohort_conf_text(
    struct cohort_conf *conf, struct cohort_str text);

/* True if no variable is in it. */
bool cohort_text_is_constant(const struct cohort_text *text);

/* Its value for a request; NUL-terminated, lives with the request. Of a
   constant text the value is found without a request (NULL). */
struct cohort_str cohort_text_value(
    const struct cohort_text *text, struct cohort_request *request);

/*
 * A variable. name without "$"; a name ending in "_" is a prefix ("http_",
 * "arg_") and rest is what follows. False: no value.
 */
struct cohort_variable {
    const char *name;
    bool (*get)(
        struct cohort_request *request, struct cohort_str rest,
        struct cohort_str *value);
    bool is_volatile; /* evaluated at each use */
};

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
