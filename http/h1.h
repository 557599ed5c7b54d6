/* HTTP/1 heads and bodies: llhttp with our guard around it. */
#ifndef COH_HTTP_H1_H
#define COH_HTTP_H1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <llhttp.h>

#include <cohort/str.h>

#include "http/guard.h"
#include "http/header.h"

/* --- heads ---------------------------------------------------------------- */

/* Heads up to this size are recognised when they come again. */
#define COH_H1_MEMO_MAX 2048

/*
 * A head being read, and where to put what is found. Kept between requests: the
 * caller fills the first group once.
 *
 * A client asks for the same thing again and again, in the same words: a poll,
 * a health check, a proxy, a load generator. What the same bytes mean is known
 * then, as long as nothing else has been read in between, so they are compared
 * before they are parsed.
 */
struct coh_h1_head {
    struct coh_header *slots;
    uint32_t slot_count;
    char *line_room;       /* for a head with bare LFs, made regular */
    size_t line_room_size; /* bytes; twice the largest input */

    bool is_complete;
    size_t skipped;   /* bytes of empty lines before it */
    size_t size;      /* bytes of input from there, if complete */
    const char *data; /* what the slots' offsets count from */
    uint32_t data_size;
    struct coh_request_line line;
    uint32_t field_count;
    uint32_t longest_field; /* bytes of the longest line */
    uint64_t seen;          /* coh_header_bit() of known names */
    uint64_t repeated;      /* of those that came twice */
    bool has_odd;           /* some field has an oddity */

    llhttp_t parser; /* when complete: about to read the body */

    /* The bytes that all this was read from, and a number that no other bytes
       had; memo_size 0: it may not be used again. */
    size_t memo_size;
    uint64_t memo_number;
    char memo[COH_H1_MEMO_MAX];
};

/* Once per process, before the first head. */
void coh_h1_init(void);

/*
 * Read a head from its first byte; empty lines before it are skipped. Nothing
 * is kept of a head that is not complete: call again with more of it.
 *
 * Returns  COH_RULE_NONE: see head->is_complete; what is said of the request
 *          line and of complete fields holds in any case (line.size 0: not even
 *          the line is complete). Else the broken rule.
 */
enum coh_rule coh_h1_read_head(
    struct coh_h1_head *head, const char *data, size_t size);

/* Nothing has been read: what is said of a head that nobody looked at. */
void coh_h1_head_forget(struct coh_h1_head *head);

/* --- bodies --------------------------------------------------------------- */

struct coh_h1_body {
    llhttp_t parser;
    struct coh_chunk_guard guard;
    struct cohort_str data; /* found last */
    bool is_chunked;
    bool is_complete;
};

/* The body behind a complete head that has one. */
void coh_h1_body_init(struct coh_h1_body *body, const struct coh_h1_head *head);

/*
 * Find the next data in *input, and take what was read from it.
 *
 * data     Points into the input; "": none before *input ran empty or the body
 *          is complete (then *input begins with what follows it).
 * Returns  COH_RULE_NONE or the broken rule.
 */
enum coh_rule coh_h1_body_next(
    struct coh_h1_body *body, struct cohort_str *input,
    struct cohort_str *data);

#endif
