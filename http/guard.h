/* The guard: refuses what could be read in two ways. llhttp parses fields and
   bodies; the table in guard.c says who of the two checks what. */
#ifndef COH_HTTP_GUARD_H
#define COH_HTTP_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cohort/str.h>

/* Each rule is a row of the table in guard.c. */
enum coh_rule {
    COH_RULE_NONE, /* nothing is wrong */
    COH_RULE_METHOD,
    COH_RULE_TARGET,
    COH_RULE_PATH,
    COH_RULE_CONNECT_TARGET,
    COH_RULE_VERSION,
    COH_RULE_MAJOR_VERSION,
    COH_RULE_LINE_SIZE,
    COH_RULE_FIELD_SIZE,
    COH_RULE_HEAD_SIZE,
    COH_RULE_FIELD_COUNT,
    COH_RULE_FIELD_NAME,
    COH_RULE_FIELD_FOLDED,
    COH_RULE_FIELD_VALUE,
    COH_RULE_FIELD_REPEATED,
    COH_RULE_HOST_MISSING,
    COH_RULE_HOST,
    COH_RULE_LENGTH,
    COH_RULE_CODING_LENGTH,
    COH_RULE_CODING_VERSION,
    COH_RULE_CODING_LIST,
    COH_RULE_CODING_OTHER,
    COH_RULE_CHUNK,
    COH_RULE_CHUNK_LINE_END,
    COH_RULE_CHUNK_LINE_SIZE,
    COH_RULE_BODY_SIZE,
    COH_RULE_COUNT,
};

enum coh_rule_keeper {
    COH_KEPT_BY_GUARD,
    COH_KEPT_BY_LLHTTP, /* and only passed on by us */
};

struct coh_rule_row {
    enum coh_rule_keeper keeper;
    int status;       /* to answer with */
    const char *what; /* completes "client sent " in the log */
};

/* Never NULL for a rule above NONE. */
const struct coh_rule_row *coh_rule_row(enum coh_rule rule);

/* The rule that an error of llhttp breaks (enum llhttp_errno). */
enum coh_rule coh_rule_of_llhttp(int error);

/* --- the request line ----------------------------------------------------- */

struct coh_request_line {
    struct cohort_str text;   /* the whole line, without its end */
    struct cohort_str method; /* a token without lower-case letters */
    struct cohort_str target; /* at least one byte, no blanks */
    int version;              /* 10 or 11 */
    size_t size;              /* with its end */
};

/*
 * Read the first line of a head, which begins at text.
 *
 * Returns  COH_RULE_NONE: line is filled; or, with line->size 0, the line is
 *          not complete and so far nothing is wrong. Else the broken rule.
 */
enum coh_rule coh_guard_request_line(
    struct cohort_str text, struct coh_request_line *line);

/* --- framing -------------------------------------------------------------- */

/* What the fields of a head with Transfer-Encoding say about the body. */
struct coh_framing {
    uint64_t seen;            /* coh_header_bit() of the fields there are */
    struct cohort_str coding; /* value of Transfer-Encoding */
    int version;              /* 10 or 11 */
};

/* Content-Length beside it, HTTP/1.0, or a coding that isn't plainly
   "chunked". */
enum coh_rule coh_guard_framing(const struct coh_framing *framing);

/* --- what stands between the data of chunks ------------------------------- */

/* Sizes, extensions, line ends and trailers of one body: all bytes but data. */
struct coh_chunk_guard {
    char last;     /* the byte before the next */
    uint32_t size; /* since the last data */
};

/* Look at the next of these bytes, in any split: every line must end in CRLF,
   none may be folded, and there is a limit between two chunks. */
enum coh_rule coh_guard_chunk_lines(
    struct coh_chunk_guard *guard, struct cohort_str bytes);

/* Data of a chunk follows. */
static inline void
coh_guard_chunk_data(struct coh_chunk_guard *guard)
{
    guard->size = 0;
    guard->last = '\0';
}

#endif
