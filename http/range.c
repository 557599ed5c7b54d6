/* Byte ranges of a request: "bytes=0-99, 200-, -50". */
#include "http/range.h"

#include <errno.h>
#include <stdbool.h>

#include "core/str.h"

size_t
coh_range_count_max(struct cohort_str value)
{
    size_t count = 1;
    size_t i;

    for (i = 0; i < value.size; i++) {
        count += value.data[i] == ',';
    }
    return count;
}

static void
skip_blanks(struct cohort_str *rest)
{
    while (rest->size > 0 && (rest->data[0] == ' ' || rest->data[0] == '\t')) {
        *rest = coh_str_from(*rest, 1);
    }
}

/* Digits at the start; *rest moves behind them and blanks. -EINVAL: none, or a
   number too large to be one. */
static int
read_number(struct cohort_str *rest, uint64_t *number)
{
    size_t size = 0;
    int result;

    while (size < rest->size && rest->data[size] >= '0' &&
           rest->data[size] <= '9') {
        size++;
    }
    result = coh_str_to_u64(coh_str_cut(*rest, 0, size), INT64_MAX, number);
    *rest = coh_str_from(*rest, size);
    skip_blanks(rest);
    return result;
}

static bool
is_end(struct cohort_str rest)
{
    return rest.size == 0 || rest.data[0] == ',';
}

/* "-50": the last bytes. */
static int
read_suffix(struct cohort_str *rest, uint64_t length, struct coh_range *range)
{
    uint64_t size;

    *rest = coh_str_from(*rest, 1);
    skip_blanks(rest);
    if (read_number(rest, &size) < 0 || !is_end(*rest)) {
        return -EINVAL;
    }
    range->size = size < length ? size : length;
    range->first = length - range->size;
    return 0;
}

/* One range; a size of 0 means that the body has nothing of it. */
static int
read_one(struct cohort_str *rest, uint64_t length, struct coh_range *range)
{
    uint64_t last = INT64_MAX;

    skip_blanks(rest);
    if (rest->size > 0 && rest->data[0] == '-') {
        return read_suffix(rest, length, range);
    }
    if (read_number(rest, &range->first) < 0 || rest->size == 0 ||
        rest->data[0] != '-') {
        return -EINVAL;
    }
    *rest = coh_str_from(*rest, 1);
    skip_blanks(rest);
    if (!is_end(*rest) && (read_number(rest, &last) < 0 || !is_end(*rest))) {
        return -EINVAL;
    }
    last = last < length ? last + 1 : length;
    range->size = last > range->first ? last - range->first : 0;
    return 0;
}

int
coh_range_read(
    struct cohort_str value, uint64_t length, uint64_t max,
    struct coh_range *ranges, size_t *count)
{
    struct cohort_str rest = coh_str_from(value, value.size < 6 ? 0 : 6);
    uint64_t total = 0;

    *count = 0;
    if (value.size < 7 ||
        !coh_str_is_nocase(coh_str_cut(value, 0, 6), "bytes=") || length == 0) {
        return 200;
    }
    for (;;) {
        struct coh_range *range = &ranges[*count];

        if (read_one(&rest, length, range) < 0) {
            return 416;
        }
        if (range->size > 0) {
            total += range->size;
            *count += 1;
        }
        if (*count > max || total > length) {
            return 200;
        }
        if (rest.size == 0) {
            return *count > 0 ? 206 : 416;
        }
        rest = coh_str_from(rest, 1);
    }
}
