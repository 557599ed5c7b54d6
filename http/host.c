/* A host as clients name it: "Example.com.:8080", "[::1]". */
#include "http/host.h"

#include <errno.h>
#include <string.h>

#include "core/str.h"

#define PORT_DIGITS_MAX 5

static bool
is_letter(char c)
{
    return coh_lower(c) >= 'a' && coh_lower(c) <= 'z';
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* unreserved and sub-delims; escapes are not decoded, their "%" is as good as a
   letter. */
static bool
is_name_char(char c)
{
    return is_letter(c) || is_digit(c) || c == '.' || c == '-' ||
        (c != '\0' && strchr("_~!$&'()*+,;=%", c) != NULL);
}

/* IPv6 addresses and what may follow "v1." in brackets. */
static bool
is_literal_char(char c)
{
    return c == ':' || (c != '%' && is_name_char(c));
}

/* "[...]": its size with the brackets, or 0. */
static size_t
literal_size(struct cohort_str text)
{
    size_t size = 1;

    while (size < text.size && is_literal_char(text.data[size])) {
        size++;
    }
    if (size == 1 || size == text.size || text.data[size] != ']') {
        return 0;
    }
    return size + 1;
}

/* A name up to ":" or the end: its size, or 0. No label but the one behind the
   last dot may be empty. */
static size_t
name_size(struct cohort_str text)
{
    size_t size = 0;

    while (size < text.size && text.data[size] != ':') {
        if (!is_name_char(text.data[size]) ||
            (size > 0 && text.data[size] == '.' &&
             text.data[size - 1] == '.')) {
            return 0;
        }
        size++;
    }
    return size;
}

/* "", ":" or ":80". */
static int
parse_port(struct cohort_str text, uint16_t *port)
{
    uint64_t value = 0;

    *port = 0;
    if (text.size <= 1) {
        return text.size == 0 || text.data[0] == ':' ? 0 : -EINVAL;
    }
    if (text.data[0] != ':' || text.size - 1 > PORT_DIGITS_MAX ||
        coh_str_to_u64(coh_str_from(text, 1), UINT16_MAX, &value) < 0) {
        return -EINVAL;
    }
    *port = (uint16_t)value;
    return 0;
}

static bool
has_upper(struct cohort_str name)
{
    for (size_t i = 0; i < name.size; i++) {
        if (coh_lower(name.data[i]) != name.data[i]) {
            return true;
        }
    }
    return false;
}

int
coh_host_parse(struct cohort_str text, struct coh_host *host)
{
    bool is_literal = text.size > 0 && text.data[0] == '[';
    size_t size = is_literal ? literal_size(text) : name_size(text);

    if (size == 0 || parse_port(coh_str_from(text, size), &host->port) < 0) {
        return -EINVAL;
    }
    if (!is_literal && text.data[size - 1] == '.') {
        size--;
    }
    host->name = coh_str_cut(text, 0, size);
    host->has_upper = has_upper(host->name);
    return size == 0 ? -EINVAL : 0;
}
