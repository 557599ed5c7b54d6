/* The names of header fields that the server itself reads. */
#include "http/header.h"

#include <string.h>

#include "core/str.h"

/* A perfect hash: every known name has a place of its own. A new name that
   collides shows as an overridden initialiser (-Woverride-init). */
#define PLACE_COUNT 64
#define PLACE(size, first, last)                                               \
    (((size)*5u + (unsigned char)(first)*3u + (unsigned char)(last)*5u) %      \
     PLACE_COUNT)

struct known {
    struct cohort_str name; /* lower case */
    enum coh_header_id id;
};

static const struct known places[PLACE_COUNT] = {
#define NAME(id, text, first, last)                                            \
    [PLACE(sizeof(text) - 1, first, last)] = {                                 \
        {text, sizeof(text) - 1}, COH_HEADER_##id}
    NAME(ACCEPT, "accept", 'a', 't'),
    NAME(ACCEPT_ENCODING, "accept-encoding", 'a', 'g'),
    NAME(ACCEPT_LANGUAGE, "accept-language", 'a', 'e'),
    NAME(AUTHORIZATION, "authorization", 'a', 'n'),
    NAME(CONNECTION, "connection", 'c', 'n'),
    NAME(CONTENT_LENGTH, "content-length", 'c', 'h'),
    NAME(CONTENT_RANGE, "content-range", 'c', 'e'),
    NAME(CONTENT_TYPE, "content-type", 'c', 'e'),
    NAME(COOKIE, "cookie", 'c', 'e'),
    NAME(EXPECT, "expect", 'e', 't'),
    NAME(HOST, "host", 'h', 't'),
    NAME(IF_MATCH, "if-match", 'i', 'h'),
    NAME(IF_MODIFIED_SINCE, "if-modified-since", 'i', 'e'),
    NAME(IF_NONE_MATCH, "if-none-match", 'i', 'h'),
    NAME(IF_RANGE, "if-range", 'i', 'e'),
    NAME(IF_UNMODIFIED_SINCE, "if-unmodified-since", 'i', 'e'),
    NAME(KEEP_ALIVE, "keep-alive", 'k', 'e'),
    NAME(RANGE, "range", 'r', 'e'),
    NAME(REFERER, "referer", 'r', 'r'),
    NAME(TE, "te", 't', 'e'),
    NAME(TRAILER, "trailer", 't', 'r'),
    NAME(TRANSFER_ENCODING, "transfer-encoding", 't', 'g'),
    NAME(UPGRADE, "upgrade", 'u', 'e'),
    NAME(USER_AGENT, "user-agent", 'u', 't'),
    NAME(VIA, "via", 'v', 'a'),
    NAME(X_FORWARDED_FOR, "x-forwarded-for", 'x', 'r'),
#undef NAME
};

#define LOWER_WORD UINT64_C(0x2020202020202020)

static uint64_t
load_lower(const char *bytes)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof(word));
    return word | LOWER_WORD;
}

/* Folds with one OR, which is exact for names of token characters: known is of
   letters and "-". */
static bool
equals_known(const char *name, const char *known, size_t size)
{
    size_t i;

    for (i = 0; i + 8 <= size; i += 8) {
        if (load_lower(name + i) != load_lower(known + i)) {
            return false;
        }
    }
    for (; i < size; i++) {
        if ((name[i] | 0x20) != known[i]) {
            return false;
        }
    }
    return true;
}

enum coh_header_id
coh_header_id(const char *name, size_t size)
{
    const struct known *known;

    if (size == 0) {
        return COH_HEADER_OTHER;
    }
    known = &places[PLACE(size, name[0] | 0x20, name[size - 1] | 0x20)];
    if (known->name.size != size ||
        !equals_known(name, known->name.data, size)) {
        return COH_HEADER_OTHER;
    }
    return known->id;
}

struct cohort_str
coh_header_name(enum coh_header_id id)
{
    for (size_t i = 0; i < PLACE_COUNT; i++) {
        if (places[i].id == id && id != COH_HEADER_OTHER) {
            return places[i].name;
        }
    }
    return cohort_str("");
}

static bool
is_letter_or_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
        (c >= 'A' && c <= 'Z');
}

bool
coh_is_token_char(char c)
{
    return is_letter_or_digit(c) ||
        (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

bool
coh_header_is_token(struct cohort_str name)
{
    for (size_t i = 0; i < name.size; i++) {
        if (!coh_is_token_char(name.data[i])) {
            return false;
        }
    }
    return name.size > 0;
}

unsigned
coh_header_oddity(struct cohort_str name)
{
    unsigned oddity = 0;

    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];

        if (c == '_') {
            oddity |= COH_HEADER_HAS_UNDERSCORE;
        } else if (c != '-' && !is_letter_or_digit(c)) {
            oddity |= COH_HEADER_HAS_OTHER;
        }
    }
    return oddity;
}
