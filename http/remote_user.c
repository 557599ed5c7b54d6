/* The user name that a client gives with "Authorization: Basic". */
#include "http/remote_user.h"

#include "core/str.h"
#include "http/request.h"

/* 0..63, or -1 for anything else, padding included. */
static int
sextet(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decode base64 up to the first byte that is none; out has room for all. */
static size_t
decode(struct cohort_str text, char *out)
{
    unsigned bits = 0;
    unsigned bit_count = 0;
    size_t size = 0;
    size_t i;

    for (i = 0; i < text.size && sextet(text.data[i]) >= 0; i++) {
        bits = (bits << 6 | (unsigned)sextet(text.data[i])) & 0xffff;
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            out[size] = (char)(bits >> bit_count & 0xff);
            size++;
        }
    }
    return size;
}

bool
coh_remote_user(struct cohort_request *request, struct cohort_str *user)
{
    struct cohort_str credentials =
        coh_request_value(request, COH_HEADER_AUTHORIZATION);
    struct cohort_str text;
    ssize_t colon;
    char *decoded;

    if (credentials.size < 6 ||
        !coh_str_is_nocase(coh_str_cut(credentials, 0, 6), "basic ")) {
        return false;
    }
    text = coh_str_trim(coh_str_from(credentials, 6));
    decoded = cohort_request_alloc(request, text.size + 1);
    *user = cohort_str_n(decoded, decode(text, decoded));
    colon = coh_str_index(*user, ':');
    if (colon < 0) {
        *user = COH_STR("");
        return false;
    }
    user->size = (size_t)colon;
    return colon > 0;
}
