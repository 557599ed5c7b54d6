/* Variables: found by name at load, by index while serving. */
#ifndef COH_HTTP_VARIABLE_H
#define COH_HTTP_VARIABLE_H

#include <stdbool.h>
#include <stddef.h>

#include <cohort/conf.h>
#include <cohort/module/variable.h>

/* A variable that some text mentions; one for each name of the http block. */
struct coh_variable_use {
    const struct cohort_variable *variable;
    struct cohort_str rest; /* of a prefixed one: what follows the prefix */
    size_t index;           /* of its value in a request */
    struct coh_variable_use *next;
};

/* The tables of http/variable_*.c; each ends with name == NULL. */
extern const struct cohort_variable coh_variables_of_request[];
extern const struct cohort_variable coh_variables_of_field[];
extern const struct cohort_variable coh_variables_of_connection[];
extern const struct cohort_variable coh_variables_of_response[];

/* The use of a name, without "$"; NULL if nobody has a variable of that
   name. */
const struct coh_variable_use *coh_variable_use(
    struct cohort_conf *conf, struct cohort_str name);

/*
 * Its value for a request. False: none (value is "" then). Lives with the
 * request, or as long as strings into its head.
 */
bool coh_variable_value(
    const struct coh_variable_use *use, struct cohort_request *request,
    struct cohort_str *value);

/* --- what getters have in common; all of it in the request's memory ------- */

/* "12" */
struct cohort_str coh_variable_number(
    struct cohort_request *request, uint64_t number);

/* "1.234" of milliseconds */
struct cohort_str coh_variable_seconds(
    struct cohort_request *request, uint64_t ms);

/* Values of a repeated field in one. A single one is not copied. */
struct coh_variable_list {
    struct cohort_str text; /* "" at first, and all else zero */
    char *copy; /* where it stands; NULL: it is the first value itself */
    size_t room;
    bool has_value;
};

void coh_variable_list_add(
    struct coh_variable_list *list, struct cohort_request *request,
    struct cohort_str separator, struct cohort_str value);

/* Is name ("User-Agent") the field of a variable ("user_agent")? */
bool coh_variable_is_field(struct cohort_str name, struct cohort_str wanted);

#endif
