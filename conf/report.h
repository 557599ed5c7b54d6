/* Telling what is wrong in a configuration, and where. */
#ifndef COH_CONF_REPORT_H
#define COH_CONF_REPORT_H

#include <stdarg.h>
#include <stdbool.h>

#include <cohort/str.h>

#include "core/arena.h"

#define COH_CONF_REPORT_MAX                                                    \
    20 /* errors told, and warnings; the others counted */

/* A text that was parsed at one place: a file that is included twice is two of
   these, each with the chain that led to it. */
struct coh_source {
    const char *name; /* a path, or "command line" */
    struct cohort_str text;
    bool is_parameter; /* of the command line */
    /* Where it was included; NULL: it is where reading began. */
    const struct coh_source *includer;
    unsigned line;
    unsigned column;
    unsigned depth; /* includes around it */
};

struct coh_conf_place {
    const struct coh_source *source; /* NULL: no place in particular */
    unsigned line;                   /* from 1; 0: the source as a whole */
    unsigned column;                 /* in bytes, from 1 */
};

struct coh_conf_report {
    void (*tell)(void *user, bool is_error, const char *text);
    void *user;
    unsigned error_count;
    unsigned warning_count;
};

/*
 * Tell one error or warning, in this form:
 *
 *     unknown directive "lisen" in /etc/site.conf:3:5
 *         3 |     lisen 80;
 *           |     ^
 *       did you mean "listen"?
 *       included in /etc/cohort.conf:12:9
 *
 * The first line of the formatted text comes first, its others are the hints.
 */
void coh_conf_report(
    struct coh_conf_report *report, bool is_error, struct coh_conf_place place,
    const char *format, ...) __attribute__((format(printf, 4, 5)));
void coh_conf_report_v(
    struct coh_conf_report *report, bool is_error, struct coh_conf_place place,
    const char *format, va_list arguments)
    __attribute__((format(printf, 4, 0)));

/* Will another error be counted only? Then nobody needs its hints. */
static inline bool
coh_conf_report_is_full(const struct coh_conf_report *report)
{
    return report->error_count >= COH_CONF_REPORT_MAX;
}

/* A word as it is quoted in a message: at most 64 bytes of it, in one line. */
const char *coh_conf_report_word(
    struct coh_arena *arena, struct cohort_str word);

/* Say how many more there were than were told. */
void coh_conf_report_end(struct coh_conf_report *report);

#endif
