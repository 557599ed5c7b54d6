/* Steps through a JSON text, without recursion and memory. */
#include "core/json_scan.h"

#include <errno.h>
#include <string.h>

#include "core/json_text.h"
#include "core/str.h"

/*
 * The scanner goes from step to step:
 *
 *   STEP_VALUE  a value must begin: take_value leads to NEXT after a scalar or
 *               an empty container, to VALUE inside another
 *   STEP_NEXT   a value has ended: take_next leads to VALUE after a comma, to
 *               NEXT after the end of a container
 *   STEP_WRONG  there is no way on, reason says why
 */
enum step {
    STEP_VALUE,
    STEP_NEXT,
    STEP_WRONG
};

struct coh_json_scanner
coh_json_scanner_of(struct cohort_str text)
{
    struct coh_json_scanner scanner = {
        .at = text.size == 0 ? "" : text.data,
        .error = -EINVAL,
    };

    scanner.end = scanner.at + text.size;
    return scanner;
}

bool
coh_json_scan_fail(struct coh_json_scanner *scanner, const char *reason)
{
    scanner->reason = reason;
    return false;
}

static enum step
wrong(struct coh_json_scanner *scanner, const char *reason)
{
    coh_json_scan_fail(scanner, reason);
    return STEP_WRONG;
}

void
coh_json_scan_blanks(struct coh_json_scanner *scanner)
{
    while (scanner->at < scanner->end &&
           (*scanner->at == ' ' || *scanner->at == '\t' ||
            *scanner->at == '\n' || *scanner->at == '\r')) {
        scanner->at++;
    }
}

bool
coh_json_scan_char(struct coh_json_scanner *scanner, char c)
{
    if (scanner->at == scanner->end || *scanner->at != c) {
        return false;
    }
    scanner->at++;
    return true;
}

/* --- scalars -------------------------------------------------------------- */

size_t
coh_json_scan_utf8(const unsigned char *text, size_t left)
{
    /* What the second byte may be after each kind of first byte. */
    static const struct {
        unsigned char first, last, low, high;
        size_t size;
    } kinds[] = {
        {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
        {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
        {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    size_t i = 0;

    while (text[0] < kinds[i].first || text[0] > kinds[i].last) {
        if (++i == sizeof(kinds) / sizeof(kinds[0])) {
            return 0;
        }
    }
    if (left < kinds[i].size || text[1] < kinds[i].low ||
        text[1] > kinds[i].high) {
        return 0;
    }
    for (size_t k = 2; k < kinds[i].size; k++) {
        if ((text[k] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return kinds[i].size;
}

/* What follows a backslash. */
static bool
take_escape(struct coh_json_scanner *scanner)
{
    if (coh_json_scan_char(scanner, 'u')) {
        for (int i = 0; i < 4; i++) {
            if (scanner->at == scanner->end ||
                coh_hex_value(*scanner->at) < 0) {
                return false;
            }
            scanner->at++;
        }
        return true;
    }
    if (scanner->at == scanner->end || *scanner->at == '\0' ||
        strchr("\"\\/bfnrt", *scanner->at) == NULL) {
        return false;
    }
    scanner->at++;
    return true;
}

/* From behind the opening quote to behind the closing one. */
static enum step
take_string(struct coh_json_scanner *scanner)
{
    while (scanner->at < scanner->end) {
        unsigned char c = (unsigned char)*scanner->at;
        size_t size;

        if (c == '"') {
            scanner->at++;
            return STEP_NEXT;
        }
        if (c < 0x20) {
            return wrong(scanner, "has a control character in a string");
        }
        if (c == '\\') {
            scanner->at++;
            if (!take_escape(scanner)) {
                return wrong(scanner, "has a wrong escape in a string");
            }
            continue;
        }
        size = c < 0x80 ? 1
                        : coh_json_scan_utf8(
                              (const unsigned char *)scanner->at,
                              (size_t)(scanner->end - scanner->at));
        if (size == 0) {
            return wrong(scanner, "has bytes in a string that are not UTF-8");
        }
        scanner->at += size;
    }
    return wrong(scanner, "ends in a string");
}

/* At least one digit. */
static bool
take_digits(struct coh_json_scanner *scanner)
{
    const char *start = scanner->at;

    while (scanner->at < scanner->end && *scanner->at >= '0' &&
           *scanner->at <= '9') {
        scanner->at++;
    }
    return scanner->at > start;
}

static enum step
take_number(struct coh_json_scanner *scanner)
{
    coh_json_scan_char(scanner, '-');
    if (!coh_json_scan_char(scanner, '0') && !take_digits(scanner)) {
        return wrong(scanner, "has no value where one must be");
    }
    if (coh_json_scan_char(scanner, '.') && !take_digits(scanner)) {
        return wrong(scanner, "lacks digits in a number");
    }
    if (coh_json_scan_char(scanner, 'e') || coh_json_scan_char(scanner, 'E')) {
        if (!coh_json_scan_char(scanner, '+')) {
            coh_json_scan_char(scanner, '-');
        }
        if (!take_digits(scanner)) {
            return wrong(scanner, "lacks digits in a number");
        }
    }
    return STEP_NEXT;
}

static enum step
take_word(struct coh_json_scanner *scanner)
{
    static const char *const words[] = {"true", "false", "null"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t size = strlen(words[i]);

        if ((size_t)(scanner->end - scanner->at) >= size &&
            memcmp(scanner->at, words[i], size) == 0) {
            scanner->at += size;
            return STEP_NEXT;
        }
    }
    return take_number(scanner);
}

/* --- arrays and objects --------------------------------------------------- */

static bool
is_object(const struct coh_json_scanner *scanner)
{
    return (scanner->objects >> (scanner->depth - 1) & 1) != 0;
}

bool
coh_json_scan_name(struct coh_json_scanner *scanner, struct cohort_str *name)
{
    const char *start;

    coh_json_scan_blanks(scanner);
    start = scanner->at;
    if (!coh_json_scan_char(scanner, '"')) {
        return coh_json_scan_fail(scanner, "lacks a member's name");
    }
    if (take_string(scanner) == STEP_WRONG) {
        return false;
    }
    *name = cohort_str_n(start, (size_t)(scanner->at - start));
    coh_json_scan_blanks(scanner);
    return coh_json_scan_char(scanner, ':') ||
        coh_json_scan_fail(scanner, "lacks a colon after a name");
}

/* In front of a value, which in an object has a name. */
static enum step
take_name(struct coh_json_scanner *scanner)
{
    struct cohort_str name;

    if (is_object(scanner) && !coh_json_scan_name(scanner, &name)) {
        return STEP_WRONG;
    }
    return STEP_VALUE;
}

/* Behind "[" or "{". */
static enum step
take_opening(struct coh_json_scanner *scanner, bool opens_object)
{
    if (scanner->depth == COH_JSON_DEPTH_MAX) {
        scanner->error = -E2BIG;
        return wrong(scanner, "is nested too deeply");
    }
    scanner->objects &= ~(UINT32_C(1) << scanner->depth);
    scanner->objects |= (uint32_t)opens_object << scanner->depth;
    scanner->depth++;
    coh_json_scan_blanks(scanner);
    if (coh_json_scan_char(scanner, opens_object ? '}' : ']')) {
        scanner->depth--;
        return STEP_NEXT;
    }
    return take_name(scanner);
}

static enum step
take_value(struct coh_json_scanner *scanner)
{
    coh_json_scan_blanks(scanner);
    scanner->value_count++;
    if (coh_json_scan_char(scanner, '"')) {
        return take_string(scanner);
    }
    if (coh_json_scan_char(scanner, '{')) {
        return take_opening(scanner, true);
    }
    if (coh_json_scan_char(scanner, '[')) {
        return take_opening(scanner, false);
    }
    return take_word(scanner);
}

/* After a value inside an array or object. */
static enum step
take_next(struct coh_json_scanner *scanner)
{
    coh_json_scan_blanks(scanner);
    if (coh_json_scan_char(scanner, ',')) {
        return take_name(scanner);
    }
    if (coh_json_scan_char(scanner, is_object(scanner) ? '}' : ']')) {
        scanner->depth--;
        return STEP_NEXT;
    }
    return wrong(scanner, "lacks a comma or the end of a list");
}

bool
coh_json_scan_value(struct coh_json_scanner *scanner)
{
    unsigned depth = scanner->depth;
    enum step step = take_value(scanner);

    while (scanner->depth > depth && step != STEP_WRONG) {
        step = step == STEP_VALUE ? take_value(scanner) : take_next(scanner);
    }
    return step != STEP_WRONG;
}
