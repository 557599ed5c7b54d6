/* Header fields: the names that the server itself reads, and where the fields
   of a request's head stand. */
#ifndef COH_HTTP_HEADER_H
#define COH_HTTP_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cohort/str.h>

/* Names with an id; fewer than 64, so that a set of them is one word. */
enum coh_header_id {
    COH_HEADER_OTHER,
    COH_HEADER_ACCEPT,
    COH_HEADER_ACCEPT_ENCODING,
    COH_HEADER_ACCEPT_LANGUAGE,
    COH_HEADER_AUTHORIZATION,
    COH_HEADER_CONNECTION,
    COH_HEADER_CONTENT_LENGTH,
    COH_HEADER_CONTENT_RANGE,
    COH_HEADER_CONTENT_TYPE,
    COH_HEADER_COOKIE,
    COH_HEADER_EXPECT,
    COH_HEADER_HOST,
    COH_HEADER_IF_MATCH,
    COH_HEADER_IF_MODIFIED_SINCE,
    COH_HEADER_IF_NONE_MATCH,
    COH_HEADER_IF_RANGE,
    COH_HEADER_IF_UNMODIFIED_SINCE,
    COH_HEADER_KEEP_ALIVE,
    COH_HEADER_RANGE,
    COH_HEADER_REFERER,
    COH_HEADER_TE,
    COH_HEADER_TRAILER,
    COH_HEADER_TRANSFER_ENCODING,
    COH_HEADER_UPGRADE,
    COH_HEADER_USER_AGENT,
    COH_HEADER_VIA,
    COH_HEADER_X_FORWARDED_FOR,
    COH_HEADER_ID_COUNT,
};

/* Why ignore_invalid_headers may drop a field. */
enum coh_header_oddity {
    COH_HEADER_HAS_UNDERSCORE = 1 << 0,
    COH_HEADER_HAS_OTHER = 1 << 1, /* a token character beyond letters, digits,
                                      "-" and "_" */
};

/* A field of a request: offsets into its head, so that a head that is moved
   needs no change here. */
struct coh_header {
    uint32_t name_at;
    uint32_t value_at;
    uint32_t value_size;
    uint16_t name_size;
    uint8_t id;     /* enum coh_header_id */
    uint8_t oddity; /* enum coh_header_oddity bits */
};

/* The id of a name in any case. */
enum coh_header_id coh_header_id(const char *name, size_t size);

/* "if-range"; "" for COH_HEADER_OTHER. */
struct cohort_str coh_header_name(enum coh_header_id id);

/* RFC 9110 5.6.2. */
bool coh_is_token_char(char c);

/* True if name consists of token characters (RFC 9110) and isn't empty. */
bool coh_header_is_token(struct cohort_str name);

/* enum coh_header_oddity bits of a name. */
unsigned coh_header_oddity(struct cohort_str name);

/* A set that is one word. */
static inline uint64_t
coh_header_bit(enum coh_header_id id)
{
    return (uint64_t)1 << id;
}

#endif
