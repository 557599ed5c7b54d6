/* The target of a request: its forms, and the path decoded once. */
#include "http/uri.h"

#include <errno.h>

#include "core/str.h"

static bool
is_forbidden(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7f;
}

/* --- forms ---------------------------------------------------------------- */

/* Path and arguments: one look at each byte. */
static int
parse_origin(struct cohort_str text, struct coh_target *target)
{
    const char *at = text.data;
    const char *end = text.data + text.size;
    char before = '\0';

    target->is_plain = true;
    for (; at < end && *at != '?' && *at != '#'; at++) {
        if (is_forbidden(*at)) {
            return -EINVAL;
        }
        if (*at == '%' || (before == '/' && (*at == '/' || *at == '.'))) {
            target->is_plain = false;
        }
        before = *at;
    }
    target->path = cohort_str_n(text.data, (size_t)(at - text.data));
    if (at < end && *at == '?') {
        target->args = cohort_str_n(at + 1, 0);
        for (at++; at < end && *at != '#'; at++) {
            if (is_forbidden(*at)) {
                return -EINVAL;
            }
        }
        target->args.size = (size_t)(at - target->args.data);
    }
    for (; at < end; at++) { /* a fragment, which clients should keep */
        if (is_forbidden(*at)) {
            return -EINVAL;
        }
    }
    return 0;
}

/* "http://" and what follows; the bytes of the authority are checked by who
   reads the host in it. */
static int
parse_absolute(struct cohort_str text, struct coh_target *target)
{
    size_t size = 0;
    struct cohort_str rest;

    if (coh_str_is_nocase(coh_str_cut(text, 0, 7), "http://")) {
        rest = coh_str_from(text, 7);
    } else if (coh_str_is_nocase(coh_str_cut(text, 0, 8), "https://")) {
        rest = coh_str_from(text, 8);
    } else {
        return -EINVAL;
    }
    while (size < rest.size && rest.data[size] != '/' &&
           rest.data[size] != '?' && rest.data[size] != '#') {
        size++;
    }
    if (size == 0) {
        return -EINVAL;
    }
    target->has_authority = true;
    target->authority = coh_str_cut(rest, 0, size);
    target->sent = coh_str_from(rest, size);
    if (parse_origin(target->sent, target) < 0) {
        return -EINVAL;
    }
    if (target->path.size == 0) {
        target->path = cohort_str("/");
    }
    if (target->sent.size == 0) {
        target->sent = target->path;
    }
    return 0;
}

int
coh_target_parse(struct cohort_str text, struct coh_target *target)
{
    *target = (struct coh_target){.sent = text};
    if (text.size == 0) {
        return -EINVAL;
    }
    if (text.data[0] == '/') {
        return parse_origin(text, target);
    }
    return parse_absolute(text, target);
}

/* --- normal form ---------------------------------------------------------- */

/*
 * Reads raw byte by byte, decoded; writes out. A segment's end is looked at
 * when the "/" behind it, or the end, is met:
 *   take()    writes a byte
 *   close()   undoes a segment that was ".", ".." or (merged) empty
 */
struct normaliser {
    const char *start; /* of out */
    char *out;         /* behind the last byte written */
    char *segment;     /* where the segment being written begins */
    bool merge_slashes;
};

static bool
is_segment(const struct normaliser *normaliser, const char *text)
{
    return coh_str_is(
        cohort_str_n(
            normaliser->segment,
            (size_t)(normaliser->out - normaliser->segment)),
        text);
}

/* Back to the begin of the segment before. */
static int
climb(struct normaliser *normaliser)
{
    char *out = normaliser->segment - 1; /* the "/" before ".." */

    if (out == normaliser->start) {
        return -EINVAL;
    }
    do {
        out--;
    } while (*out != '/');
    normaliser->out = out + 1;
    normaliser->segment = out + 1;
    return 0;
}

/* A segment is complete. Says in *is_gone whether nothing of it stayed, so that
   the "/" behind it is not needed either. */
static int
close_segment(struct normaliser *normaliser, bool *is_gone)
{
    *is_gone = true;
    if (is_segment(normaliser, "..")) {
        return climb(normaliser);
    }
    if (is_segment(normaliser, ".")) {
        normaliser->out = normaliser->segment;
        return 0;
    }
    *is_gone = is_segment(normaliser, "") && normaliser->merge_slashes;
    return 0;
}

static int
put_slash(struct normaliser *normaliser)
{
    bool is_gone = false;
    int result = close_segment(normaliser, &is_gone);

    if (result == 0 && !is_gone) {
        *normaliser->out++ = '/';
        normaliser->segment = normaliser->out;
    }
    return result;
}

/* The byte at *at, decoded; moves *at on. 0..255 or -EINVAL. */
static int
decode(const char **at, const char *end)
{
    const char *text = *at;
    int high;
    int low;

    if (*text != '%') {
        *at = text + 1;
        return (unsigned char)*text;
    }
    if (end - text < 3) {
        return -EINVAL;
    }
    high = coh_hex_value(text[1]);
    low = coh_hex_value(text[2]);
    if (high < 0 || low < 0 || (high == 0 && low == 0)) {
        return -EINVAL;
    }
    *at = text + 3;
    return high << 4 | low;
}

ssize_t
coh_path_normalise(struct cohort_str raw, bool merge_slashes, char *out)
{
    struct normaliser normaliser = {out, out + 1, out + 1, merge_slashes};
    const char *at = raw.data + 1;
    const char *end = raw.data + raw.size;
    bool is_gone;
    int byte;

    out[0] = '/';
    while (at < end) {
        byte = decode(&at, end);
        if (byte == '/') {
            byte = put_slash(&normaliser);
        } else if (byte >= 0) {
            *normaliser.out++ = (char)byte;
        }
        if (byte < 0) {
            return byte;
        }
    }
    if (close_segment(&normaliser, &is_gone) < 0) {
        return -EINVAL;
    }
    return normaliser.out - out;
}

bool
coh_path_climbs(struct cohort_str path, size_t from)
{
    const char *end = path.data + path.size;
    const char *at = path.data + from;

    while ((at = memmem(at, (size_t)(end - at), "..", 2)) != NULL) {
        if ((at == path.data || at[-1] == '/') &&
            (at + 2 == end || at[2] == '/')) {
            return true;
        }
        at++;
    }
    return false;
}
