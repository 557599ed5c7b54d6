/* Header fields: the names that the server itself reads, and where the fields
   of a request's head stand. */
#ifndef COH_HTTP_HEADER_H
#define COH_HTTP_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

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

/* --- names: inline, for every field of every request ---------------------- */

/* A perfect hash: every known name has a place of its own. */
#define COH_HEADER_PLACE_COUNT 64
#define COH_HEADER_PLACE(size, first, last)                                    \
    (((size)*5u + (unsigned char)(first)*3u + (unsigned char)(last)*5u) %      \
     COH_HEADER_PLACE_COUNT)

struct coh_header_known {
    const char *name; /* lower case */
    uint16_t size;
    uint16_t id;
};

extern const struct coh_header_known coh_header_places[COH_HEADER_PLACE_COUNT];

static inline uint64_t
coh_header_eight(const char *bytes)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof(word));
    return word | UINT64_C(0x2020202020202020);
}

static inline uint32_t
coh_header_four(const char *bytes)
{
    uint32_t word;

    memcpy(&word, bytes, sizeof(word));
    return word | UINT32_C(0x20202020);
}

/* Folds with one OR, which is exact for names of token characters: known ones
   are of letters and "-". The last word may overlap the one before. */
static inline bool
coh_header_equals(const char *name, const char *known, size_t size)
{
    const char *last = name + size;
    const char *known_last = known + size;

    if (size < 4) { /* "te", "via" */
        return (name[0] | 0x20) == known[0] && (name[1] | 0x20) == known[1] &&
            (last[-1] | 0x20) == known_last[-1];
    }
    if (size < 8) {
        return coh_header_four(name) == coh_header_four(known) &&
            coh_header_four(last - 4) == coh_header_four(known_last - 4);
    }
    for (; name + 8 < last; name += 8, known += 8) {
        if (coh_header_eight(name) != coh_header_eight(known)) {
            return false;
        }
    }
    return coh_header_eight(last - 8) == coh_header_eight(known_last - 8);
}

/* The id of a name in any case; at least one byte. */
static inline enum coh_header_id
coh_header_id(const char *name, size_t size)
{
    const struct coh_header_known *known = &coh_header_places[COH_HEADER_PLACE(
        size, name[0] | 0x20, name[size - 1] | 0x20)];

    if (known->size != size || !coh_header_equals(name, known->name, size)) {
        return COH_HEADER_OTHER;
    }
    return (enum coh_header_id)known->id;
}

/* 1 for all bytes but letters, digits and "-". */
extern const unsigned char coh_header_odd[256];

/* Has it no oddity? */
static inline bool
coh_header_is_usual(const char *name, size_t size)
{
    unsigned odd = 0;

    for (size_t i = 0; i < size; i++) {
        odd |= coh_header_odd[(unsigned char)name[i]];
    }
    return odd == 0;
}

/* --- names: the rest ------------------------------------------------------ */

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
