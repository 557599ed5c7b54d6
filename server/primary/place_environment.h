/* The environment of one place, beside its group's: of a worker that was forked
   with one, and of those who follow it there. */
#ifndef COH_PRIMARY_PLACE_ENVIRONMENT_H
#define COH_PRIMARY_PLACE_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>

#include <cohort/str.h>

/* "NAME=VALUE", a NUL behind each. All zero: there is none. */
struct coh_place_environment {
    char *data;
    size_t size;
};

/* Is it a list of NAME=VALUE, of bounded size, a NUL behind each? */
bool coh_place_environment_is_valid(struct cohort_str text);

/* Keep a copy in place of what was there; "": nothing. 0; -ENOMEM: nothing. */
int coh_place_environment_set(
    struct coh_place_environment *environment, struct cohort_str text);

void coh_place_environment_forget(struct coh_place_environment *environment);

/*
 * Each of its texts, NULL behind the last.
 *
 * words    Out: to be freed, the texts stay where they are; NULL: there is
 *          none.
 * Returns  0; -ENOMEM.
 */
int coh_place_environment_words(
    const struct coh_place_environment *environment, const char ***words);

#endif
