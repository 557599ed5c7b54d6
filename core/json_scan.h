/* Steps through a JSON text; what the files about it share. */
#ifndef COH_CORE_JSON_SCAN_H
#define COH_CORE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cohort/str.h>

struct coh_json_scanner {
    const char *at;
    const char *end;
    const char *reason;
    int error; /* that goes with reason */
    size_t value_count;
    unsigned depth;
    uint32_t objects; /* a bit for each level that is an object's */
};

struct coh_json_scanner coh_json_scanner_of(struct cohort_str text);

void coh_json_scan_blanks(struct coh_json_scanner *scanner);

/* True if c comes next; it is consumed. */
bool coh_json_scan_char(struct coh_json_scanner *scanner, char c);

/* A value with all that it holds, blanks before it included. False: reason says
   why. */
bool coh_json_scan_value(struct coh_json_scanner *scanner);

/* A member's name and its colon; name gets the string with its quotes. False:
   reason says why. */
bool coh_json_scan_name(
    struct coh_json_scanner *scanner, struct cohort_str *name);

/* The size of the UTF-8 sequence of more than one byte at text (RFC 3629:
   shortest form, no surrogates, up to U+10FFFF); 0 if it is none. left: at
   least 1. */
size_t coh_json_scan_utf8(const unsigned char *text, size_t left);

/* Set reason; false. */
bool coh_json_scan_fail(struct coh_json_scanner *scanner, const char *reason);

#endif
