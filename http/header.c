/* The names of header fields that the server itself reads. */
#include "http/header.h"

#include <string.h>

#include "core/str.h"

/* A new name that collides shows as an overridden initialiser
   (-Woverride-init, part of -Wextra). */
const struct coh_header_known coh_header_places[COH_HEADER_PLACE_COUNT] = {
#define NAME(id, text, first, last)                                            \
    [COH_HEADER_PLACE(sizeof(text) - 1, first, last)] = {                      \
        text, sizeof(text) - 1, COH_HEADER_##id}
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

/* clang-format off */
const unsigned char coh_header_odd[256] = {
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1,
    1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1,
    1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
};
/* clang-format on */

struct cohort_str
coh_header_name(enum coh_header_id id)
{
    for (size_t i = 0; i < COH_HEADER_PLACE_COUNT; i++) {
        if (coh_header_places[i].id == id && id != COH_HEADER_OTHER) {
            return cohort_str_n(
                coh_header_places[i].name, coh_header_places[i].size);
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
