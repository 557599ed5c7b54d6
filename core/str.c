/* What can be asked of counted strings. ASCII only, never the locale. */
#include "core/str.h"

#include <errno.h>
#include <string.h>

#define DISTANCE_SIZE_MAX 64 /* of the longest words worth comparing */

bool
coh_str_equal(struct cohort_str a, struct cohort_str b)
{
    return a.size == b.size &&
        (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

bool
coh_str_equal_nocase(struct cohort_str a, struct cohort_str b)
{
    if (a.size != b.size) {
        return false;
    }
    for (size_t i = 0; i < a.size; i++) {
        if (coh_lower(a.data[i]) != coh_lower(b.data[i])) {
            return false;
        }
    }
    return true;
}

bool
coh_str_is(struct cohort_str str, const char *text)
{
    return coh_str_equal(str, cohort_str(text));
}

bool
coh_str_is_nocase(struct cohort_str str, const char *text)
{
    return coh_str_equal_nocase(str, cohort_str(text));
}

bool
coh_str_starts_with(struct cohort_str str, struct cohort_str prefix)
{
    return str.size >= prefix.size &&
        coh_str_equal(coh_str_cut(str, 0, prefix.size), prefix);
}

bool
coh_str_ends_with(struct cohort_str str, struct cohort_str suffix)
{
    return str.size >= suffix.size &&
        coh_str_equal(coh_str_from(str, str.size - suffix.size), suffix);
}

int
coh_str_compare(struct cohort_str a, struct cohort_str b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);

    if (order != 0) {
        return order;
    }
    return (a.size > b.size) - (a.size < b.size);
}

ssize_t
coh_str_index(struct cohort_str str, char c)
{
    const char *found;

    found = str.size == 0 ? NULL : memchr(str.data, c, str.size);
    return found == NULL ? -1 : found - str.data;
}

ssize_t
coh_str_rindex(struct cohort_str str, char c)
{
    const char *found;

    found = str.size == 0 ? NULL : memrchr(str.data, c, str.size);
    return found == NULL ? -1 : found - str.data;
}

struct cohort_str
coh_str_cut(struct cohort_str str, size_t from, size_t size)
{
    str = coh_str_from(str, from);
    if (size < str.size) {
        str.size = size;
    }
    return str;
}

struct cohort_str
coh_str_from(struct cohort_str str, size_t from)
{
    if (from > str.size) {
        from = str.size;
    }
    return from == 0 ? str : cohort_str_n(str.data + from, str.size - from);
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct cohort_str
coh_str_trim(struct cohort_str str)
{
    while (str.size > 0 && is_blank(str.data[str.size - 1])) {
        str.size--;
    }
    while (str.size > 0 && is_blank(str.data[0])) {
        str.data++;
        str.size--;
    }
    return str;
}

int
coh_str_to_u64(struct cohort_str str, uint64_t max, uint64_t *value)
{
    uint64_t sum = 0;
    bool is_too_big = false;

    if (str.size == 0) {
        return -EINVAL;
    }
    for (size_t i = 0; i < str.size; i++) {
        unsigned digit = (unsigned char)str.data[i] - (unsigned)'0';

        if (digit > 9) {
            return -EINVAL;
        }
        if (is_too_big || sum > max / 10 || digit > max - sum * 10) {
            is_too_big = true; /* what follows must still be digits */
            continue;
        }
        sum = sum * 10 + digit;
    }
    if (is_too_big) {
        return -ERANGE;
    }
    *value = sum;
    return 0;
}

int
coh_hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = coh_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t
coh_u64_format(char *out, uint64_t value)
{
    char digits[20];
    size_t first = sizeof(digits);
    size_t size;

    do {
        digits[--first] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    size = sizeof(digits) - first;
    memcpy(out, digits + first, size);
    return size;
}

static unsigned
smaller(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* One cell of the table of distances: a's first i bytes to b's first j, given
   the rows of i - 2, i - 1 and i. */
static unsigned
distance_cell(
    const char *a, const char *b, size_t j, const unsigned *row_before,
    const unsigned *row_above, const unsigned *row, bool has_before)
{
    unsigned cost = a[0] != b[0];
    unsigned best;

    best = smaller(row_above[j], row[j - 1]) + 1;
    best = smaller(best, row_above[j - 1] + cost);
    if (has_before && j > 1 && a[0] == b[-1] && a[-1] == b[0]) {
        best = smaller(best, row_before[j - 2] + 1);
    }
    return best;
}

unsigned
coh_str_distance(struct cohort_str a, struct cohort_str b, unsigned limit)
{
    unsigned rows[3][DISTANCE_SIZE_MAX + 1];

    if (a.size > DISTANCE_SIZE_MAX || b.size > DISTANCE_SIZE_MAX) {
        return limit + 1;
    }
    for (size_t j = 0; j <= b.size; j++) {
        rows[0][j] = (unsigned)j;
    }
    for (size_t i = 1; i <= a.size; i++) {
        unsigned *row = rows[i % 3];

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b.size; j++) {
            row[j] = distance_cell(
                a.data + i - 1, b.data + j - 1, j, rows[(i + 1) % 3],
                rows[(i + 2) % 3], row, i > 1);
        }
    }
    return smaller(rows[a.size % 3][b.size], limit + 1);
}
